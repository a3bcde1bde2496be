"""An IAM token as credentials of the SDK, which signs requests and knows no tokens."""

from __future__ import annotations

from typing import Any

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.signer.signer import Signer


class TokenCredentials(BasicCredentials):  # type: ignore[misc]
    """Sends `X-Auth-Token` in place of a signature."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token

    def process_sts(self, http_client: Any) -> None:
        """Nothing to fetch: without keys the SDK would ask the machine's metadata."""

    def sign_request(self, request: Any) -> Any:
        """Put the token where the signature would stand."""
        request.header_params["X-Auth-Token"] = self.token
        if self.project_id:
            request.header_params["X-Project-Id"] = self.project_id
        Signer.process_request_uri(request)
        return request
