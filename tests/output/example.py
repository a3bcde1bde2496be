"""A record with everything in it, built by hand: every outcome, status, risk type and corner.

It is not what some response would give; it is what a report must be able to show.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from reporter.output.exhibits import AttachedExhibit
from reporter.record.model import (
    AddonRisk,
    CatalogueEntry,
    Change,
    Check,
    ConfigurationRisk,
    Counts,
    DeprecatedApiRisk,
    Entry,
    EvidenceLine,
    Exhibit,
    Gate,
    Instant,
    Moment,
    NearMiss,
    Node,
    OutcomeCounts,
    Place,
    PolicyUse,
    Reason,
    Risks,
    RuleMatch,
    RuleUse,
    SkippedCheck,
    Source,
    Statement,
    Subject,
    Tool,
    Verdict,
    WaiverUse,
)
from reporter.words import statement

AT = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
CHINESE = "kubelet 参数 maxPods 被手动修改，升级后将恢复默认值。请在升级前确认。"

FILES: dict[str, tuple[str, str, bytes]] = {
    "response": (
        "shop-prod-eu.json",
        "application/json",
        json.dumps({"kind": "PreCheckTask", "note": "not the response of this record"}).encode(),
    ),
    "policy": (
        "production.yaml",
        "application/yaml",
        b"apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: production}\n",
    ),
    "waivers": (
        "shop-waivers.yaml",
        "application/yaml",
        b"apiVersion: precheck.policy/v1\nkind: WaiverList\nmetadata: {name: shop-waivers}\n",
    ),
}


def node(number: int) -> Node:
    """A worker node of the pool."""
    uid = f"{sha256(str(number).encode()).hexdigest()[:8]}-1743-11ee-8e46-0255ac10004c"
    return Node(uid=uid, name=f"pool-a-{number:04}", status="Active", type="node")


def place(number: int, item: int) -> Place:
    """A check item of a node."""
    return Place(
        pointer=f"/status/nodeCheckStatus/nodeStageStatus/{number}/itemsStatus/{item}",
        line=1200 + number * 40 + item,
        column=13,
        nodes=[node(number)],
    )


def near(waiver: str, code: str, **params: Any) -> NearMiss:
    """A waiver that nearly covers a finding."""
    return NearMiss(waiver=waiver, why=statement(code, **params))


def example(**changes: Any) -> Verdict:
    """The record. `changes` replace its fields."""
    checks = _checks()
    skipped = _skipped()
    findings = dict.fromkeys(("fail", "unknown", "warn", "waived", "note", "pass"), 0)
    by_check = dict(findings)
    for check in checks:
        by_check[check.outcome] += 1
        for outcome in findings:
            name = "passed" if outcome == "pass" else outcome
            findings[outcome] += getattr(check.findings, name)
    verdict = Verdict(
        tool=Tool(version="1.0.0"),
        outcome="fail",
        headline=statement("headline.fail"),
        summary=[
            statement("summary.exceptions", count=2),
            statement("summary.risks", count=1),
            statement("summary.skipped", count=1),
            statement("summary.evidence", count=1),
            statement("summary.waived", count=12),
            statement("summary.unknown", count=1),
            statement("summary.passed", passed=by_check["pass"], total=len(checks), nodes=40),
        ],
        instant=Instant(at=AT, basis="given", backdated=True),
        gate=Gate(fail_on="warn", advisory="trial run of the gate, CHG-1042"),
        subject=Subject(
            cluster_id="8978deaa-1743-11ee-8e46-0255ac10004c",
            cluster_id_from="response",
            cluster_name="shop-prod-eu",
            cluster_type="standard",
            cluster_type_from="option",
            cluster_version="v1.28.8-r0",
            target_version="v1.30.4-r2",
            target_version_from="response",
            task_uid="f61e008c-1600-41c0-9bde-121de5a30660",
            task_phase="Failed",
            task_message="2 check items failed",
            created=Moment(
                text="2026-03-01 09:58:11.1 +0000 UTC",
                at=datetime(2026, 3, 1, 9, 58, 11, tzinfo=UTC),
            ),
            updated=Moment(
                text="2026-03-01 10:02:04.592972 +0000 UTC",
                at=datetime(2026, 3, 1, 10, 2, 4, tzinfo=UTC),
            ),
            expires=Moment(
                text="2026-03-01 11:02:04.592972 +0000 UTC",
                at=datetime(2026, 3, 1, 11, 2, 4, tzinfo=UTC),
            ),
            expected_cluster="8978deaa-1743-11ee-8e46-0255ac10004c",
            expected_target="v1.30.4-r2",
            change=Change(
                id="CHG-1042",
                window_start=datetime(2026, 3, 1, 22, 0, tzinfo=UTC),
                window_end=datetime(2026, 3, 2, 2, 0, tzinfo=UTC),
                prepared_by="Li Wei (platform)",
            ),
        ),
        reasons=_reasons(),
        conditions=[
            statement("condition.tolerated-exceptions", count=1, checks=["KubeletConfigDrift"]),
            statement("condition.warnings", count=2),
            statement("condition.evidence-warnings", count=1, lines=["fresh"]),
            statement("condition.waivers-used", count=2, waivers=["containerd", "skip-time"]),
            statement("condition.waivers-undated", count=1, waivers=["containerd"]),
            statement("condition.waivers-permanent", count=1, waivers=["skip-time"]),
            statement("condition.waivers-todo", count=1, waivers=["skip-time"]),
            statement("condition.waivers-expired", count=1, waivers=["api-coredns"]),
            statement("condition.waivers-not-yet-valid", count=1, waivers=["mounts"]),
            statement("condition.waivers-exceeded", count=1, waivers=["drift-any"]),
            statement("condition.waivers-not-applicable", count=1, waivers=["disk"]),
            statement("condition.waivers-unused", count=1, waivers=["old-image"]),
            statement("condition.rules-postponed", count=1, rules=["drift"], dates=["2026-06-01"]),
            statement("condition.backdated", at="2026-03-01T10:30:00Z"),
            statement(
                "condition.expires-before-window",
                expires="2026-03-01T11:02:04Z",
                window="2026-03-01T22:00:00Z",
            ),
            statement("condition.fail-on-warn"),
            statement("condition.advisory", reason="trial run of the gate, CHG-1042"),
        ],
        counts=Counts(
            findings=OutcomeCounts.model_validate(findings),
            checks=OutcomeCounts.model_validate(by_check),
            skipped=len(skipped),
            skipped_covered=1,
            nodes=40,
            tolerated_exceptions=1,
        ),
        evidence=_evidence(sum(findings.values())),
        checks=checks,
        skipped=skipped,
        waivers=_waivers(),
        rules=_rules(),
        defaults={"unmatched": "warn", "skipped": "fail"},
        policies=[
            PolicyUse(
                kind="Policy",
                name="production",
                version="7",
                owner="platform-team",
                title="What may go into production",
                source="policies/production.yaml",
                sha256=_digest("policy"),
                rules=6,
                waivers=0,
            ),
            PolicyUse(
                kind="WaiverList",
                name="shop-waivers",
                owner="change-board",
                source="waivers/shop-waivers.yaml",
                sha256=_digest("waivers"),
                rules=0,
                waivers=7,
            ),
        ],
        catalogue=_catalogue(),
        source=Source(
            name="archive/2026-03/shop-prod-eu.json",
            form="json-list",
            pointer="/items/0",
            others=3,
            unknown_fields=2,
            unknown_field_pointers=["/items/0/status/extra", "/items/0/spec/dryRun"],
        ),
        exhibits=[
            Exhibit(
                role=role,
                name=name,
                sha256=sha256(data).hexdigest(),
                size=len(data),
                media_type=media_type,
            )
            for role, (name, media_type, data) in FILES.items()
        ],
    )
    return verdict.model_copy(update=changes)


def attached(verdict: Verdict) -> list[AttachedExhibit]:
    """The exhibits of the example, with their bytes."""
    return [AttachedExhibit(part, FILES[part.role][2]) for part in verdict.exhibits]


def _digest(role: str) -> str:
    return sha256(FILES[role][2]).hexdigest()


def _reasons() -> list[Reason]:
    return [
        Reason(
            outcome="fail",
            what=statement("reason.fails-on-nodes", check="SampleNodeDisk", count=3, total=40),
            why=statement(
                "why.rule-title", rule="fatal-exceptions", title="No Fatal Exception may remain"
            ),
            actions=[
                statement("action.policy", text="Free at least 2 GB on the system disk."),
                statement("action.exception"),
            ],
            check="SampleNodeDisk",
            scope="node",
            kind="Exception",
            level="Fatal",
        ),
        Reason(
            outcome="fail",
            what=statement(
                "reason.fails-message",
                check="AddonLimit",
                message="addon [ CoreDNS ] status is abnormal, check and try again",
            ),
            why=statement("why.rule", rule="addons-healthy"),
            actions=[
                statement(
                    "action.catalogue",
                    text="Repair the add-on it names, upgrade it, or uninstall it.",
                ),
                statement("action.exception"),
            ],
            check="AddonLimit",
            scope="addon",
            kind="Exception",
            level="Warning",
        ),
        Reason(
            outcome="fail",
            what=statement("reason.fails", check="DeprecatedApiCheck"),
            why=statement("why.rule", rule="no-deprecated-apis"),
            actions=[
                statement(
                    "action.catalogue-likely",
                    text="Move the clients it names to the API that replaces the old one.",
                ),
                statement("action.risk"),
            ],
            near_misses=[
                near("api-coredns", "near.expired", count=3, expires="2026-02-26"),
                near("api-eu", "near.refused", wanted="cluster c-two"),
            ],
            check="DeprecatedApiCheck",
            scope="cluster",
            kind="Risk",
            level="Info",
        ),
        Reason(
            outcome="fail",
            what=statement("reason.skipped-nodes", check="NodeMount", count=2),
            why=statement("skip.default", effect="fail"),
            actions=[statement("action.skipped")],
            near_misses=[near("mounts", "skip.needs-finding", keys=["message"])],
            check="NodeMount",
        ),
        Reason(
            outcome="inconclusive",
            what=statement("evidence.recognised.value", field="phase", value="Paused"),
            why=statement("reason.evidence-why", line="recognised"),
            actions=[statement("action.recognised")],
        ),
        Reason(
            outcome="unknown",
            what=statement("reason.unknown-on-nodes", check="NodeSSH", count=1, total=40),
            why=statement("doubt.execute-exception"),
            actions=[statement("action.unknown-finding")],
            check="NodeSSH",
            scope="node",
            kind="Exception",
            level="Fatal",
        ),
    ]


def _evidence(items: int) -> list[EvidenceLine]:
    def line(name: str, state: str, level: str, *said: Statement, at: Any = ()) -> EvidenceLine:
        return EvidenceLine(
            id=name,
            state=state,
            level=level,
            statements=list(said),
            pointers=list(at),
        )

    return [
        line(
            "recognised",
            "not-ok",
            "require",
            statement("evidence.recognised.value", field="phase", value="Paused"),
            statement("evidence.recognised.fields", count=2),
            at=["/items/0/status/nodeCheckStatus/nodeStageStatus/7/itemsStatus/3/phase"],
        ),
        line("finished", "ok", "require", statement("evidence.finished.ok", count=items)),
        line("consistent", "ok", "require", statement("evidence.consistent.ok")),
        line("complete", "ok", "require", statement("evidence.complete.ok", items=items, nodes=40)),
        line(
            "unexpired",
            "ok",
            "require",
            statement("evidence.unexpired.ok", at="2026-03-01T11:02:04Z"),
        ),
        line(
            "fresh",
            "not-ok",
            "warn",
            statement("evidence.fresh.old", at="2026-03-01T10:02:04Z", max_age="15m"),
        ),
        line("identity", "ok", "require", statement("evidence.identity.ok")),
        line(
            "provider",
            "not-ok",
            "note",
            statement("evidence.provider.message", phase="Failed", message="2 check items failed"),
        ),
    ]


def _counted(**counts: int) -> OutcomeCounts:
    return OutcomeCounts.model_validate(
        {"pass" if key == "passed" else key: value for key, value in counts.items()}
    )


def _checks() -> list[Check]:
    decided = statement("decided.rule", rules=["fatal-exceptions"], effect="fail")
    fatal = RuleMatch(rule="fatal-exceptions", effect="fail", fields=["kind", "level"])
    cluster = "/items/0/status/clusterCheckStatus/itemsStatus"
    addon = "/items/0/status/addonCheckStatus/itemsStatus"
    checks = [
        Check(
            name="SampleNodeDisk",
            scope="node",
            outcome="fail",
            findings=_counted(fail=3, passed=37),
            nodes_seen=40,
            kinds=["Exception"],
            levels=["Fatal"],
            entries=[
                Entry(
                    outcome="fail",
                    kind="Exception",
                    level="Fatal",
                    group="NodeCheck",
                    phase="Failed",
                    message="Free space on / is 1.2 GB,\n    2 GB are needed.",
                    error_codes=["ErrorDiskSpace"],
                    why=decided,
                    rules=[fatal],
                    said=["SampleNodeDisk stops the upgrade on this node"],
                    remediation=["Free at least 2 GB on the system disk."],
                    risks=Risks(nodes=[str(node(number).uid) for number in (3, 17)]),
                    places=[place(3, 4), place(17, 4)],
                ),
                Entry(
                    outcome="fail",
                    kind="Exception",
                    level="Fatal",
                    group="NodeCheck",
                    phase="Failed",
                    message="Free space on / is 0 GB, 2 GB are needed.",
                    error_codes=["ErrorDiskSpace"],
                    why=decided,
                    rules=[fatal],
                    said=["SampleNodeDisk stops the upgrade on this node"],
                    remediation=["Free at least 2 GB on the system disk."],
                    places=[place(31, 4)],
                ),
            ],
        ),
        Check(
            name="AddonLimit",
            scope="addon",
            outcome="fail",
            findings=_counted(fail=1),
            kinds=["Exception"],
            levels=["Warning"],
            entries=[
                Entry(
                    outcome="fail",
                    kind="Exception",
                    level="Warning",
                    group="AddonCheck",
                    phase="Failed",
                    message="addon [ CoreDNS ] status is abnormal, check and try again",
                    why=statement("decided.rule", rules=["addons-healthy"], effect="fail"),
                    rules=[RuleMatch(rule="addons-healthy", effect="fail", fields=["check"])],
                    risks=Risks(
                        addons=[
                            AddonRisk(template_name="coredns", alias="CoreDNS"),
                            AddonRisk(template_name="everest"),
                        ]
                    ),
                    places=[Place(pointer=f"{addon}/0", line=412, column=9)],
                )
            ],
        ),
        Check(
            name="DeprecatedApiCheck",
            scope="cluster",
            outcome="fail",
            findings=_counted(fail=1),
            kinds=["Risk"],
            levels=["Info"],
            entries=[
                Entry(
                    outcome="fail",
                    kind="Risk",
                    level="Info",
                    group="LimitCheck",
                    phase="Failed",
                    message="Deprecated APIs were called in the last day",
                    why=statement("decided.rule", rules=["no-deprecated-apis"], effect="fail"),
                    rules=[
                        RuleMatch(
                            rule="no-deprecated-apis",
                            effect="fail",
                            fields=["check"],
                            undecided=["error_code"],
                        )
                    ],
                    risks=Risks(
                        deprecated_apis=[
                            DeprecatedApiRisk(
                                url="/apis/discovery.k8s.io/v1beta1/endpointslices",
                                user_agent="coredns/v1.10.1 (linux/amd64)",
                            ),
                            DeprecatedApiRisk(
                                url="/apis/policy/v1beta1/podsecuritypolicies",
                                user_agent="argocd-application-controller",
                            ),
                        ]
                    ),
                    near_misses=[
                        near("api-coredns", "near.expired", count=3, expires="2026-02-26"),
                        near("api-eu", "near.refused", wanted="cluster c-two"),
                    ],
                    waiver_stub=(
                        "- id: deprecatedapicheck-20260301\n"
                        "  check:\n    equals: DeprecatedApiCheck\n"
                        "  reason: TODO\n  approved_by: TODO\n"
                        "  starts: '2026-03-01'\n  expires: '2026-03-31'\n"
                    ),
                    places=[Place(pointer=f"{cluster}/0", line=88, column=9)],
                )
            ],
        ),
        Check(
            name="NodeSSH",
            scope="node",
            outcome="unknown",
            findings=_counted(unknown=1, passed=39),
            nodes_seen=40,
            kinds=["Exception"],
            levels=["Fatal"],
            entries=[
                Entry(
                    outcome="unknown",
                    kind="Exception",
                    level="Fatal",
                    group="ExecuteException",
                    phase="Failed",
                    why=statement("doubt.execute-exception"),
                    error_codes=["ErrorCommandNotExist"],
                    places=[place(8, 2)],
                )
            ],
        ),
        Check(
            name="KubeletConfigDrift",
            scope="node",
            outcome="warn",
            findings=_counted(warn=2, passed=38),
            nodes_seen=40,
            kinds=["Exception", "Risk"],
            levels=["Warning"],
            entries=[
                Entry(
                    outcome="warn",
                    kind="Exception",
                    level="Warning",
                    group="NodeCheck",
                    phase="Failed",
                    message=CHINESE,
                    why=statement(
                        "decided.rule-postponed", rules=["drift"], effective_on="2026-06-01"
                    ),
                    rules=[RuleMatch(rule="drift", effect="warn", fields=["check", "message"])],
                    tolerated=True,
                    risks=Risks(
                        configuration=[
                            ConfigurationRisk(
                                package="kubelet",
                                source_file="/opt/cloud/cce/kubernetes/kubelet/kubelet_config.yaml",
                                node_message="pool-a-0021",
                                field="maxPods",
                                operation="modify",
                                original_value="110",
                                value="256",
                            ),
                            ConfigurationRisk(
                                package="kubelet",
                                source_file="/opt/cloud/cce/kubernetes/kubelet/kubelet_config.yaml",
                                node_message="pool-a-0021",
                                field="evictionHard",
                                operation="delete",
                                original_value="memory.available<100Mi",
                            ),
                        ]
                    ),
                    places=[place(21, 6)],
                ),
                Entry(
                    outcome="warn",
                    kind="Risk",
                    level="Warning",
                    group="NodeCheck",
                    phase="Failed",
                    message="kubelet parameters were changed by hand",
                    why=statement("decided.unmatched", effect="warn"),
                    places=[place(22, 6)],
                ),
            ],
        ),
        Check(
            name="NodeContainerdPodRestartRisk",
            scope="node",
            outcome="waived",
            findings=_counted(waived=12, passed=28),
            nodes_seen=40,
            kinds=["Risk"],
            levels=["Warning"],
            entries=[
                Entry(
                    outcome="waived",
                    kind="Risk",
                    level="Warning",
                    group="LimitCheck",
                    phase="Failed",
                    message="pods restart when containerd is upgraded",
                    why=statement("decided.waived", waivers=["containerd"]),
                    rules=[RuleMatch(rule="risks", effect="fail", fields=["kind"])],
                    waived_by=["containerd"],
                    places=[place(number, 9) for number in range(1, 13)],
                )
            ],
        ),
        Check(
            name=None,
            scope="cluster",
            outcome="note",
            findings=_counted(note=1),
            kinds=["Risk"],
            levels=["Info"],
            entries=[
                Entry(
                    outcome="note",
                    kind="Risk",
                    level="Info",
                    phase="Failed",
                    message="a check item that gives no name",
                    why=statement("decided.rule", rules=["hints"], effect="note"),
                    rules=[RuleMatch(rule="hints", effect="note", fields=["kind", "level"])],
                    places=[Place(pointer=f"{cluster}/2", line=120, column=9)],
                )
            ],
        ),
    ]
    checks += [
        Check(
            name=name,
            scope=scope,
            outcome="pass",
            findings=_counted(passed=40 if scope == "node" else 1),
            nodes_seen=40 if scope == "node" else 0,
            kinds=["Risk"],
            levels=["Warning"],
        )
        for name, scope in (
            ("CoreDNSConfLimit", "addon"),
            ("EverestLimitHungVersion", "addon"),
            ("ResiduePackageVersion", "cluster"),
            *((f"SampleNodeCheck{number:02}", "node") for number in range(1, 37)),
        )
    ]
    return checks


def _skipped() -> list[SkippedCheck]:
    return [
        SkippedCheck(
            name="NodeMount",
            node_uids=[str(node(number).uid) for number in (5, 6)],
            has_selector=True,
            outcome="fail",
            why=statement("skip.default", effect="fail"),
            near_misses=[near("mounts", "skip.needs-finding", keys=["message"])],
            pointer="/items/0/spec/skippedCheckItemList/0",
        ),
        SkippedCheck(
            name="NodeTimeSync",
            has_selector=False,
            outcome="waived",
            why=statement("skip.covered", waivers=["skip-time"]),
            waived_by=["skip-time"],
            pointer="/items/0/spec/skippedCheckItemList/1",
        ),
    ]


def _waivers() -> list[WaiverUse]:
    def use(name: str, status: str, why: Statement, line: int, **more: Any) -> WaiverUse:
        fields: dict[str, Any] = {
            "match": {"check": {"equals": "NodeContainerdPodRestartRisk"}},
            "reason": "Seen on every node of this image; the pods restart in turn.",
            "approved_by": "change-board",
            "approved_on": "2025-12-01",
            "ticket": "CHG-0977",
            "starts": "2025-12-01",
            "expires": "2026-12-31",
            "valid_until": datetime(2027, 1, 1, tzinfo=UTC),
            "days_left": 305,
            "source": "waivers/shop-waivers.yaml",
            **more,
        }
        return WaiverUse(id=name, status=status, why=why, line=line, **fields)

    over = {
        "expires": "2026-02-26",
        "valid_until": datetime(2026, 2, 27, tzinfo=UTC),
        "days_left": -3,
    }
    return [
        use(
            "containerd",
            "used",
            statement("waiver-status.used-findings", count=12),
            6,
            findings=12,
            marks=["undated"],
            starts=None,
            approved_on=None,
        ),
        use(
            "skip-time",
            "used",
            statement("waiver-status.used-skipped", count=1),
            18,
            skipped=1,
            marks=["permanent", "todo"],
            match={"check": {"equals": "NodeTimeSync"}},
            reason="TODO",
            ticket=None,
            approved_by=None,
            approved_on=None,
            expires=None,
            valid_until=None,
            days_left=None,
        ),
        use(
            "api-coredns",
            "expired",
            statement("waiver-status.expired", expires="2026-02-26"),
            27,
            match={"check": {"equals": "DeprecatedApiCheck"}, "message": {"contains": "last day"}},
            ticket="CHG-0988",
            **over,
        ),
        use(
            "mounts",
            "not-yet-valid",
            statement("waiver-status.not-yet-valid", starts="2026-04-01"),
            36,
            starts="2026-04-01",
        ),
        use(
            "disk",
            "not-applicable",
            statement("waiver-status.not-applicable-exception"),
            45,
            not_applicable=3,
            match={"check": {"equals": "SampleNodeDisk"}},
        ),
        use(
            "drift-any",
            "exceeded",
            statement("waiver-status.exceeded", limit=1, count=2),
            54,
            match={"check": {"regex": "^Kubelet"}, "max_findings": 1},
        ),
        use("old-image", "unused", statement("waiver-status.unused-passes"), 63),
        use(
            "api-eu",
            "elsewhere",
            statement("waiver-status.elsewhere"),
            72,
            match={"check": {"equals": "DeprecatedApiCheck"}, "cluster": {"equals": "c-two"}},
        ),
    ]


def _rules() -> list[RuleUse]:
    def use(name: str, effect: str, hits: int, line: int, **more: Any) -> RuleUse:
        written = more.pop("written_effect", effect)
        return RuleUse(
            id=name,
            effect=effect,
            written_effect=written,
            hits=hits,
            decided=hits,
            source="policies/production.yaml",
            line=line,
            **more,
        )

    return [
        use(
            "fatal-exceptions",
            "fail",
            3,
            8,
            title="No Fatal Exception may remain",
            waivable=False,
            reason="CCE refuses the upgrade with them",
        ),
        use("addons-healthy", "fail", 1, 14, title="Every add-on is healthy"),
        use("no-deprecated-apis", "fail", 1, 20),
        use("drift", "warn", 1, 26, written_effect="fail", effective_on="2026-06-01"),
        use("risks", "fail", 12, 32, effective_on="2025-01-01"),
        use("hints", "note", 1, 38),
    ]


def _catalogue() -> dict[str, dict[str, CatalogueEntry]]:
    def entry(title: str, checks: str, fix: str, certainty: str, link: str | None) -> Any:
        return {
            "en": CatalogueEntry(
                topic="cce_10_0433",
                certainty=certainty,
                title=title,
                checks=checks,
                fix=fix,
                link=link,
                as_of="2026-04-30",
            )
        }

    pages = "https://support.huaweicloud.com/intl/en-us/usermanual-cce"
    return {
        "AddonLimit": entry(
            "Add-ons",
            "Whether every add-on is healthy and supports the target version",
            "Repair the add-on it names, upgrade it, or uninstall it.",
            "verified",
            f"{pages}/cce_10_0433.html",
        ),
        "DeprecatedApiCheck": entry(
            "Discarded Kubernetes APIs",
            "Whether the audit log of the past day shows calls to APIs the target removes",
            "Move the clients it names to the API that replaces the old one.",
            "likely",
            f"{pages}/cce_10_0487.html",
        ),
        "NodeMount": entry(
            "Mounts of a node", "Whether mount points are sound", "Ask storage.", "user", None
        ),
    }


def many(messages: bool) -> Check:
    """A check that fails on a thousand nodes, with a message of its own each or one for all."""
    entry = example().checks[0].entries[0]
    places = [place(number, 4) for number in range(1000)]
    entries = [entry.model_copy(update={"places": places})]
    if messages:
        entries = [
            entry.model_copy(update={"message": f"{number} bytes left", "places": [one]})
            for number, one in enumerate(places)
        ]
    counts = OutcomeCounts(fail=1000)
    return (
        example()
        .checks[0]
        .model_copy(update={"entries": entries, "findings": counts, "nodes_seen": 1000})
    )


HOSTILE = (
    "<script>alert(1)</script></style></script><!--<img src=x onerror=alert(2)>"
    '"\'><a href="javascript:alert(3)">{{7*7}}{% raw %}${7*7}]]>&amp;&lt;'
    "\x1b[31mred\x1b[0m\x07\x00\x01\x9b\x85\u202egpj.exe\u2066\ufffe\uffff\U000e0041\r\nline\ttab"
)


def hostile() -> Verdict:
    """The example with an attack in every text the cloud or a file could bring."""
    data = example().model_dump(mode="json")
    data["tool"] = example().tool.model_dump()
    return Verdict.model_validate(_poisoned(data, ()))


_KEPT = {
    # Codes, digests and instants: the record's own, and checked by its model.
    *("apiVersion", "kind_", "outcome", "code", "text_", "basis", "backdated", "fail_on", "id_"),
    *("scope", "state", "status_", "effect", "written_effect", "sha256", "role", "certainty"),
    *("at", "window_start", "window_end", "valid_until", "marks", "cluster_type", "topic"),
    *("cluster_id_from", "cluster_type_from", "target_version_from", "media_type", "semantics"),
    *("tool", "as_of", "defaults"),
}


def _poisoned(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {
            key: part if _is_kept(key, (*path, key)) else _poisoned(part, (*path, key))
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [_poisoned(part, path) for part in value]
    if isinstance(value, str):
        return value + HOSTILE
    return value


def _is_kept(key: str, path: tuple[str, ...]) -> bool:
    inside = path[0]
    if key in _KEPT or (key == "kind" and (len(path) == 1 or inside == "policies")):
        return True
    if (key == "status" and inside == "waivers") or (key == "level" and inside == "evidence"):
        return True
    return key == "id" and inside == "evidence"
