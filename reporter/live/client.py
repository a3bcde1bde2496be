"""CCE's pre-upgrade checks, asked for through the official SDK and handed out as raw bytes."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from reporter import __version__
from reporter.errors import LiveError
from reporter.live import credentials as who
from reporter.live.endpoints import check_may_carry_credentials, goes_through_no_proxy
from reporter.live.sdk import cce
from reporter.live.secrets import Secrets
from reporter.live.transport import (
    ENCODINGS,
    MAX_BYTES,
    Answer,
    AnswerCame,
    BodyTooLargeError,
    Transport,
)

ClusterType = Literal["autopilot", "standard"]

CONNECT_SECONDS = 10
READ_SECONDS = 60
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
"""HTTP statuses after which the same question may be answered."""

NO_PROXY = "plain http is for this machine only, and would go to another through a proxy"

_CCE_PATH = re.compile(r"^/(?:api|autopilot)/v3/")


class AskedInVainError(LiveError):
    """CCE could not be asked, or answered with an error.

    `transient` tells whether asking again may help, `retry_after` for how many seconds the server
    wants to be left alone.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        status: int | None = None,
        transient: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.transient = transient
        self.retry_after = retry_after


@dataclass(frozen=True)
class Target:
    """Whom to ask about which cluster."""

    cluster_type: ClusterType
    cluster_id: str
    region: str
    endpoint: str | None = None
    project_id: str | None = None
    ca_bundle: str | None = None
    proxy: str | None = None


class UnknownRegionError(LookupError):
    """A region the SDK does not know; its arguments are the regions it knows."""


class Client:
    """Asks for the pre-upgrade checks of one cluster."""

    def __init__(
        self,
        target: Target,
        *,
        environment: Mapping[str, str] | None = None,
        token_file: str | None = None,
        profile: str | None = None,
        secrets: Secrets | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        environment = os.environ if environment is None else environment
        self.target = target
        self.secrets = Secrets(environment) if secrets is None else secrets
        self._transport = Transport(lambda path: _CCE_PATH.match(path) is not None, clock)
        self._endpoints = _endpoints(target)
        self._client = self._build(environment)
        identity = who.find(
            environment, token_file=token_file, profile=profile, project_id=target.project_id
        )
        self.origin = identity.origin
        self._credentials = identity.credentials
        for address, variable in who.addresses(self._credentials, target.region):
            check_may_carry_credentials(address, f"check {variable}, and the profile")
        self.secrets.watch(lambda: who.secrets_of(self._credentials))
        self._client.with_credentials(self._credentials)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.get_http_client().close()

    @property
    def project_id(self) -> str | None:
        """The project that is asked about, once it is known."""
        found: str | None = self._credentials.project_id
        return found

    def show(self, task: str, *, deadline: float | None = None) -> Answer:
        """The answer to: how does this task stand? Raises `AskedInVainError`."""
        kind = "Autopilot" if self.target.cluster_type == "autopilot" else ""
        request = getattr(cce, f"Show{kind}PreCheckRequest")(
            cluster_id=self.target.cluster_id, task_id=task
        )
        name = "show_autopilot_pre_check" if kind else "show_pre_check"
        return self._ask(name, request, deadline)

    def list(self, *, deadline: float | None = None) -> Answer:
        """The answer to: which tasks are there? The API knows no pages."""
        kind = "Autopilot" if self.target.cluster_type == "autopilot" else ""
        request = getattr(cce, f"List{kind}PreCheckTasksRequest")(cluster_id=self.target.cluster_id)
        name = "list_autopilot_pre_check_tasks" if kind else "list_pre_check_tasks"
        return self._ask(name, request, deadline)

    def _build(self, environment: Mapping[str, str]) -> Any:
        from huaweicloudsdkcore.http.http_config import HttpConfig

        config = HttpConfig(
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            # requests itself reads REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE, and the proxy variables.
            ssl_ca_cert=self.target.ca_bundle or environment.get("SSL_CERT_FILE") or None,
            user_agent=f"cce-precheck/{__version__}",
        )
        client = cce.CceClient().with_config(config).with_http_handler(None)
        client.init_http_client()
        http = client.get_http_client()
        # It logs what libraries say, to stderr where nobody set a handler: proxies' passwords too.
        http.logger.addHandler(logging.NullHandler())
        http.logger.propagate = False
        session = http._session
        for scheme in ("https://", "http://"):
            session.mount(scheme, self._transport)
        session.headers["Accept-Encoding"] = ENCODINGS
        # Else a .netrc entry would take the place of the signature.
        session.auth = _leave
        if self.target.proxy:
            # Of the request, not of the session: there the environment's proxies would win.
            http._proxy = {"https": self.target.proxy, "http": self.target.proxy}
        return client.with_endpoints(self._endpoints)

    def _ask(self, method: str, request: Any, deadline: float | None) -> Answer:
        self._transport.begin(deadline)
        self._find_project()
        try:
            getattr(self._client, method)(request)
        except AnswerCame as came:
            return self._checked(came.answer)
        except Exception as error:
            raise self._no_answer(error) from None
        raise AskedInVainError("the SDK gave no answer", hint="report this as a bug")

    def _find_project(self) -> None:
        """As the SDK looks a missing project id up: IAM, by the region's name."""
        if self._credentials.project_id:
            return
        try:
            self._credentials.process_auth_params(
                self._client.get_http_client(), self.target.region
            )
        except Exception as error:
            answer = self._transport.last
            hint = "name the project with --project-id or HUAWEICLOUD_SDK_PROJECT_ID"
            if answer is None:
                raise self._no_answer(error) from None
            if answer.status >= 300:
                said = f"the project id could not be looked up: {_said(answer)}"
                raise AskedInVainError(
                    said, hint=hint, status=answer.status, transient=answer.status in TRANSIENT
                ) from None
            raise AskedInVainError(
                f"the project id could not be looked up: IAM knows no single project named "
                f"{self.target.region}",
                hint=hint,
            ) from None

    def _checked(self, answer: Answer) -> Answer:
        if answer.status == 200:
            return answer
        raise AskedInVainError(
            _said(answer),
            hint=_hint(answer, self.target),
            status=answer.status,
            transient=answer.status in TRANSIENT,
            retry_after=_retry_after(answer),
        )

    def _no_answer(self, error: BaseException) -> AskedInVainError:
        """Why there is no answer, in our own words: a library may quote what it should not."""
        host = " and ".join(_host_of(part) for part in self._endpoints)
        chain: list[str] = []
        part: BaseException | None = error
        while part is not None and len(chain) < 20:
            chain += [cls.__name__ for cls in type(part).__mro__]
            part = part.__cause__ or part.__context__
        names, text = set(chain), str(error)
        if isinstance(error, LiveError):
            return AskedInVainError(error.message, hint=error.hint)
        if "BodyTooLargeError" in names or isinstance(error, BodyTooLargeError):
            return AskedInVainError(f"{host}: the answer is larger than {MAX_BYTES >> 20} MB")
        if names & {"SslHandShakeException", "SSLError"} or "SSLError" in text:
            return AskedInVainError(
                f"{host}: its certificate is not trusted, or the TLS handshake failed",
                hint="name the CA bundle with --ca-bundle or REQUESTS_CA_BUNDLE",
            )
        if "ProxyError" in names or "ProxyError" in text:
            return AskedInVainError(
                f"{host}: the proxy can't be reached or refuses",
                hint="check HTTPS_PROXY and NO_PROXY",
                transient=True,
            )
        if (
            names & {"ReadTimeout", "ReadTimeoutError", "ConnectTimeout", "Timeout"}
            or "timed out" in text.lower()
        ):
            return AskedInVainError(
                f"{host}: no answer in time",
                hint="check the network, or give it longer with --timeout",
                transient=True,
            )
        if "HostUnreachableException" in names or "NameResolutionError" in text:
            return AskedInVainError(
                f"{host}: can't be reached",
                hint="check --region, --endpoint, the network and the proxy",
                transient=True,
            )
        if names & {"ConnectionException", "ConnectionError", "ProtocolError", "BodyCutError"}:
            return AskedInVainError(
                f"{host}: the connection broke off before the whole answer came",
                hint="try again",
                transient=True,
            )
        return AskedInVainError(
            f"{host}: could not be asked ({type(error).__name__})",
            hint="check the credentials; run with --debug and report what it prints",
        )


def _host_of(endpoint: str) -> str:
    """The host as an address writes it; without its brackets `::1` could be a workflow command."""
    host = urlsplit(endpoint).hostname or endpoint
    return f"[{host}]" if ":" in host and host != endpoint else host


def _leave(request: Any) -> Any:
    return request


def _endpoints(target: Target) -> list[str]:
    """Where to ask: the SDK goes on to the next when a host can't be found or reached."""
    if target.endpoint:
        return [target.endpoint.rstrip("/")]
    from huaweicloudsdkcce.v3.region.cce_region import CceRegion

    try:
        named = [str(part).strip() for part in CceRegion.value_of(target.region).endpoints]
    except KeyError:
        raise UnknownRegionError(*sorted(CceRegion.static_fields)) from None
    found = [part if "://" in part else f"https://{part}" for part in named]
    where = f"the SDK's endpoints of {target.region} (environment, regions.yaml)"
    for endpoint in found:
        check_may_carry_credentials(endpoint, f"check {where}")
        if target.proxy and goes_through_no_proxy(endpoint):
            raise LiveError(f"{endpoint}: {NO_PROXY}", hint=f"leave out --proxy, or check {where}")
    return found


# What an error says ---------------------------------------------------------------------------


def _said(answer: Answer) -> str:
    """HTTP status, the API's own code and text, and the request id."""
    code, text = _code_and_text(answer.body)
    parts = [f"HTTP {answer.status}"]
    if code or text:
        parts.append(": ".join(part for part in (code, text) if part))
    elif answer.body.lstrip()[:1] == b"<":
        parts.append("an HTML page, not an answer of the API (a proxy's or gateway's?)")
    if answer.request_id:
        parts.append(f"request id {answer.request_id}")
    return ", ".join(parts)


def _code_and_text(body: bytes) -> tuple[str | None, str | None]:
    """The shapes errors come in: see the API's error codes and the gateway's."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(found, dict):
        return None, None
    inner = [found, *(part for part in found.values() if isinstance(part, dict))]
    for part in inner:
        code = _first(part, "error_code", "errorCode", "code", "reason")
        text = _first(part, "error_msg", "errorMessage", "errorMsg", "error_message", "message")
        if code or text:
            return code, text
    return None, None


def _first(found: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        value = found.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
            return " ".join(str(value).split())[:300]
    return None


def _hint(answer: Answer, target: Target) -> str:
    other = "standard" if target.cluster_type == "autopilot" else "autopilot"
    hints = {
        400: "check the cluster's id and the task's",
        401: "check the keys, the machine's clock, and that --region is theirs",
        403: "the credentials lack the permission to read the cluster (cce:cluster:get)",
        404: f"check cluster and task ids and the project; is it a {other} cluster (--type)?",
        409: "another operation is going on in the cluster; try again later",
        429: "asked too often; try again later, or with a longer --poll",
    }
    if 300 <= answer.status < 400:
        return "the endpoint points elsewhere, and credentials are never sent on; check --endpoint"
    return hints.get(answer.status, "try again; if it stays, give support the request id")


def _retry_after(answer: Answer) -> float | None:
    """Seconds to wait: the header holds seconds, with a fraction at times, or a date."""
    text = (answer.headers.get("Retry-After") or "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            then = parsedate_to_datetime(text).timestamp()
        except (ValueError, TypeError, OverflowError):
            return None
        seconds = then - time.time()
    return min(max(seconds, 0.0), 3600.0) if seconds == seconds else None
