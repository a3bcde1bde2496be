"""Who asks: the SDK's own chain of credentials, and the two ways it lacks.

The SDK's chain is the environment (`HUAWEICLOUD_SDK_*`, OpenID Connect), the profile file, and
the metadata of the machine or pod. Beside it: `CLOUD_SDK_AK`/`CLOUD_SDK_SK`, which the API page's
samples read themselves, and an IAM token, for which the SDK has no class.

No message made here quotes what a library said: it may quote a secret.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reporter.errors import LiveError

TOKEN_VARIABLE = "HUAWEICLOUD_TOKEN"  # noqa: S105 - the variable's name
PROJECT_VARIABLE = "HUAWEICLOUD_SDK_PROJECT_ID"
MAX_TOKEN = 16_384
"""The longest IAM token there is, in characters."""

_WAYS = (
    f"set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or {TOKEN_VARIABLE}, or write "
    "~/.huaweicloud/credentials; docs/fetch.md lists every way"
)


@dataclass(frozen=True)
class Identity:
    """Credentials for the SDK, and where they were found."""

    credentials: Any
    origin: str


def find(
    environment: Mapping[str, str],
    *,
    token_file: str | None = None,
    profile: str | None = None,
    project_id: str | None = None,
) -> Identity:
    """The credentials to ask with: what was named on the command line, else the environment, else
    the SDK's chain. Raises `LiveError` when there are none."""
    found = _find(environment, token_file, profile)
    project = project_id or found.credentials.project_id or environment.get(PROJECT_VARIABLE)
    if project:
        found.credentials.project_id = project
    return found


def secrets_of(credentials: Any) -> Iterator[str | None]:
    """What of credentials must not be told, as they stand now."""
    for name in ("ak", "sk", "security_token", "token"):
        found = getattr(credentials, name, None)
        yield found if isinstance(found, str) else None


def addresses(credentials: Any, region: str) -> Iterator[tuple[str, str]]:
    """Where the SDK sends credentials beside CCE, each with the variable that can name it.

    IAM for the project's id and with OpenID Connect, STS with an agency. The machine's and the
    pod's own services are asked where the platform says.
    """
    from huaweicloudsdkcore.auth import internal

    accessor = credentials.sts_accessor
    if not credentials.project_id or isinstance(accessor, internal.FederalAccessor):
        found = credentials.iam_endpoint or internal.IamHelper.get_iam_endpoint(region)
        yield found, "HUAWEICLOUD_SDK_IAM_ENDPOINT"
    if isinstance(accessor, internal.OidcStsAccessor):
        found = credentials.sts_endpoint or internal.StsHelper.get_sts_endpoint()
        yield found, "HUAWEICLOUD_SDK_STS_ENDPOINT"


def _find(environment: Mapping[str, str], token_file: str | None, profile: str | None) -> Identity:
    if token_file is not None:
        return Identity(_with_token(_token_in(token_file)), "the token file")
    if profile is not None:
        return Identity(_of_profile(environment, profile), f"profile {profile}")
    if token := environment.get(TOKEN_VARIABLE, "").strip():
        return Identity(_with_token(token), TOKEN_VARIABLE)
    if environment.get("HUAWEICLOUD_SDK_AK") and environment.get("HUAWEICLOUD_SDK_SK"):
        return Identity(_of_chain(), "HUAWEICLOUD_SDK_AK")
    ak, sk = environment.get("CLOUD_SDK_AK"), environment.get("CLOUD_SDK_SK")
    if ak and sk:
        security = environment.get("CLOUD_SDK_SECURITY_TOKEN") or environment.get(
            "HUAWEICLOUD_SDK_SECURITY_TOKEN"
        )
        return Identity(_with_keys(ak, sk, security), "CLOUD_SDK_AK")
    return Identity(_of_chain(), "the SDK's chain")


def _with_keys(ak: str, sk: str, security_token: str | None) -> Any:
    from huaweicloudsdkcore.auth.credentials import BasicCredentials

    credentials = BasicCredentials(ak.strip(), sk.strip())
    if security_token:
        credentials.security_token = security_token.strip()
    return credentials


def _with_token(token: str) -> Any:
    if not token or len(token) > MAX_TOKEN or not token.isascii() or not token.isprintable():
        raise LiveError(
            "the IAM token is empty, too long, or holds signs that no token has",
            hint="a token is the X-Subject-Token header of IAM's answer, on one line",
        )
    from reporter.live.token import TokenCredentials

    return TokenCredentials(token)


def _token_in(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            data = file.read(4 * MAX_TOKEN)
        return data.decode("ascii").strip()
    except OSError as error:
        raise LiveError(
            f"{path}: the token file can't be read: {error.strerror}", hint="check --token-file"
        ) from None
    except UnicodeDecodeError:
        raise LiveError(f"{path}: holds no IAM token", hint="check --token-file") from None


def _of_profile(environment: Mapping[str, str], profile: str) -> Any:
    """A section of the SDK's profile file; the SDK itself only reads the section `basic`."""
    path = environment.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE") or os.path.expanduser(
        "~/.huaweicloud/credentials"
    )
    # Raw: a secret key may hold a percent sign.
    parser = configparser.RawConfigParser()
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except OSError as error:
        raise LiveError(f"{path}: can't be read: {error.strerror}", hint=_WAYS) from None
    except (configparser.Error, UnicodeDecodeError):
        raise LiveError(
            f"{path}: is no profile file", hint="write sections such as [basic] with ak and sk"
        ) from None
    if not parser.has_section(profile):
        known = ", ".join(parser.sections()) or "none"
        raise LiveError(f'{path}: has no profile "{profile}"', hint=f"it has {known}")
    keys = dict(parser.items(profile))
    ak, sk = keys.get("ak"), keys.get("sk")
    if not ak or not sk:
        raise LiveError(f'{path}: profile "{profile}" names no ak and sk', hint="add them")
    credentials = _with_keys(ak, sk, keys.get("security_token"))
    credentials.project_id = keys.get("project_id")
    if keys.get("iam_endpoint"):
        credentials.iam_endpoint = keys["iam_endpoint"]
    return credentials


def _of_chain() -> Any:
    from huaweicloudsdkcore.auth.provider import CredentialProviderChain

    try:
        return CredentialProviderChain.get_basic().get_credentials()
    except Exception:
        raise LiveError("no credentials were found", hint=_WAYS) from None
