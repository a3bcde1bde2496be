"""A credential around a response is refused: it would stand in every report. Talk of one is not."""

from __future__ import annotations

import json

import pytest

from reporter.errors import InputError
from reporter.sources.credentials import holds_credentials
from reporter.sources.read import read

TASK = json.dumps({"kind": "PreCheckTask", "apiVersion": "v3", "status": {"phase": "Success"}})
SECRET = "Zq8vK3mW0pLx9TnB4sYd7RfHc2UaEjGi5oNwXb1k"  # noqa: S105 - of nobody
SHORT = "hunter2x"

HELD = f"""
$ hcloud CCE ShowAutopilotPreCheck --cli-access-key=HPUAABCDEFGHIJKLMNOP
$ hcloud CCE ShowAutopilotPreCheck --cli-secret-key={SECRET}
$ hcloud CCE ShowAutopilotPreCheck --cli-secret-key {SECRET} --cli-region=eu-west-101
$ hcloud CCE ShowAutopilotPreCheck --cli-security-token="{SECRET}"
$ hcloud CCE ShowAutopilotPreCheck --cli-x-auth-token={SECRET}
+ export HUAWEICLOUD_SDK_SK={SECRET}
$env:CLOUD_SDK_SK = "{SECRET}"
HW_SECRET_KEY={SECRET}
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
Secret Access Key: {SECRET}
TOKEN=MIIabc123
OS_PASSWORD='correct'
DB_PASSWORD=glider-7x
password: Hunter2Secret
"password":"changeme"
\\"password\\": \\"Hunter2!\\"
-Dhttp.proxyPassword={SHORT}
mysql --password {SHORT}
jdbc:x;User=a;Pwd={SHORT};
Set-Cookie: J_SESSION_ID={SECRET}; Secure
Cookie:lang=en; sid=0123456789ab
$ curl -b "sid=0123456789ab" https://x/
$ curl -su admin:{SHORT} https://x/
+ curl -sS -uadmin:{SHORT} https://x/
adminPass: Hunter2!x
auth: Bearer {SECRET}
+ curl https://x/?access_token%3D{SECRET}
env: [{{"name":"HW_SECRET_KEY","value":"{SECRET}"}}]
remote: ghp_abcdefghij0123456789abcdefghij012345
request.headers=[(b'X-Auth-Token', b'{SECRET}')]
sent [('Host', 'cce'), ('X-Auth-Token', '{SECRET}')]
+ export HW_SECRET={SECRET}
got {{"credential":{{"access":"HPUAABCDEFGHIJKLMNOP","secret":"{SECRET}"}}}}
headers: {{"set-cookie":["SESSID={SECRET}; path=/"]}}
+ curl https://x/r.json?sv=2022-11-02&sig={SECRET}%3D
$ curl --user 'admin:{SHORT}' https://x/
https_proxy=http://user:Secr3t@10.0.0.1:3128
$ git clone https://ghp_abcdefghij0123456789@github.com/x
Authorization: Basic YTpi
Proxy-Authorization: Basic YWRtaW46cHc=
"Authorization":["Bearer {SECRET}"]
Authorization: SDK-HMAC-SHA256 Access=HPUAABCDEFGHIJKLMNOP, SignedHeaders=host, Signature=0123456789
DOCKER_AUTH_CONFIG={{"auths":{{"swr.example.com":{{"auth":"dXNlcjpwYXNzd29yZDEyMw=="}}}}}}
default login me password s3cr3t
$ obsutil config -i ABCDEFGHIJKLMNOP -k {SECRET}
$ docker login -u a -pabcdefghijk
$ docker login -u a -p12345678
machine swr.example.com login me password abcdefghijk
runner: glrt-abcdefghij0123456789
remote: dckr_pat_abcdefghij0123456789x
TWINE: pypi-AgEIcHlwaS5vcmcCJGFiYw
$ docker login -u eu-west-101@HPUAABCDEFGHIJKLMNOP -p {SECRET} swr.eu-west-101.myhuaweicloud.eu
+ podman login -p{SHORT} -u me registry.example
$ obsutil config -i=HPUAABCDEFGHIJKLMNOP -k={SECRET} -e=obs.example
DB_PASS={SHORT}
+ sshpass -p {SHORT} ssh me@node
machine cce.example login me password {SHORT}
remote: glpat-abcdefghij0123456789
remote: github_pat_abcdefghij0123456789abcdefghij012345
slack: xoxb-012345678901-abcdefghij0123
vault: hvs.abcdefghij0123456789abcd
signing: SDK-HMAC-SHA256 Access=HPUAABCDEFGHIJKLMNOP, SignedHeaders=host
GET /x?AccessKeyId=abc&Expires=1&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D
> X-Auth-Token: {SECRET}
header map[X-Auth-Token:[{SECRET}]]
BasicCredentials(ak="HPUAABCDEFGHIJKLMNOP", sk="{SECRET}")
    user: eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWIifQ.abc
client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVk
-----BEGIN RSA PRIVATE KEY-----
X-Apig-AppCode: 0123456789abcdef
client_secret=abcdef123456
""".strip().splitlines()

TOLD = """
machine learning login page password reset
the default login name password policy
"auth": "ServiceAccountToken"
The machine node-1 login succeeded password accepted
INFO docker login for host -prod-eu
$ docker login registry-prod -profile default
remote: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
$ docker login -u me -p ***** swr.example
$ docker login -u me -p $SWR_KEY swr.example
$ docker login --password-stdin swr.example
  login me password expired
+ docker login --password-stdin swr.example && mkdir -p build/reports
+ docker login --password-stdin swr.example; cp -p one two
Login with password authentication succeeded
+ obsutil cp obs://bucket/one two -k
+ mysql -h db -P3306 -e x
first_pass: completed-in-3s
check_pass: 16 of 16
all_pass=true
token expired
Token expired: refreshed
INFO obtained IAM token, valid until 2026-03-01T10:30:00Z
failed to refresh token: Post "https://iam.eu-west-101.myhuaweicloud.eu/v3/auth/tokens": EOF
failed to get token: context deadline exceeded
password: ***
PASSWORD=$PASSWORD
mysql: connecting (using password: YES)
+ export HUAWEICLOUD_SDK_SK=$SK
$ curl -H "X-Auth-Token: ${TOKEN}" https://cce/
X-Auth-Token: <redacted>
X-Auth-Token: [REDACTED]
Authorization: Basic ***
Authorization: Bearer $TOKEN
authorization: basic auth failed
$ hcloud CCE ShowAutopilotPreCheck --cli-region=eu-west-101 --cli-profile=default --cli-mode=AKSK
secretName: x
secretName: default-token-x7z2k
secret "default-token-abc12" created
--token-file=/var/run/secrets/token
--private-key=key.pem
PWD=/root/work1
GET /v3/tasks?page_token=abc12345 1
max_tokens=4096 tokens: 12345678
$ date -u "+%Y-%m-%dT%H:%M:%SZ"
$ docker run -u 1000:1000 --user root:root x
$ rsync -u host:/path/x
$ git clone ssh://git@host:22/x http://user:xxxxx@proxy/ http://user:***@proxy/
GET https://cce.eu-west-101.myhuaweicloud.eu:443/api/v3/x@y
Set-Cookie: lang=en-us; Path=/; Domain=.myhuaweicloud.eu; Max-Age=31536000
LANG=sk_SK.UTF-8 task=11111111-2222-3333-4444-555555555555 disk: vda1234567890123456
X-Request-Id: 0123456789abcdef0123456789abcdef
keyword=abcdefghij123 public-key=abcdefghij123
access_key: not-set
Uploading artifacts as "archive" to coordinator... 201 Created id=56 token=glcbt-64
"token":"glrt-x7"
""".strip().splitlines()


@pytest.mark.parametrize("line", HELD)
def test_a_credential_around_a_response_is_refused(line: str) -> None:
    for text in (f"{line}\nINFO got {TASK}\n", f"INFO got {TASK}\n{line}\n"):
        with pytest.raises(InputError, match="holds a token, key, password or signature") as caught:
            read(text.encode())
        assert SECRET not in caught.value.message
        assert SHORT not in caught.value.message


@pytest.mark.parametrize("line", TOLD)
def test_a_word_of_a_credential_is_none(line: str) -> None:
    assert read(f"{line}\nINFO got {TASK}\n".encode()).source.form == "log"
    behind = f"INFO got {TASK}\n{line}\n".encode()
    if "failed" in line or "expired" in line:
        with pytest.raises(InputError, match="as where it was asked for again, and that failed"):
            read(behind)
    else:
        assert read(behind).source.form == "log"


@pytest.mark.parametrize(
    "header",
    [f"Set-Cookie: J_SESSION_ID={SECRET}", "Authorization: Basic YTpi", f"X-Token: {SECRET}"],
)
def test_a_credential_in_a_header_is_refused(header: str) -> None:
    with pytest.raises(InputError, match="holds a token, key, password or signature"):
        read(f"HTTP/1.1 200 OK\r\nA: b\r\n{header}\r\n\r\n{TASK}".encode())


@pytest.mark.parametrize(
    "text",
    ["token ", "sk=sk ", "token\\\\", "token: word ", "a" * 63 + " token: word ", "cookie: a=b\n",
     "curl -s ", "sk, value: ", "bearer  ",
     " -b a=", "basic aaaa ", " -u a:a", " -uuuuuuuu", "://", "://a:" + "b" * 250, "sdk-", "eyj-",
     "eyj.", "mii ", "docker login ", "obsutil -k=* ", "machine a login b ", "hvs.",
     "-----begin a", "api_key", "next_token=abcdef ", "password=***** "]
)  # fmt: skip
def test_a_long_text_takes_no_longer_for_each_byte(text: str) -> None:
    """What took a step for each two of the bytes would not come to an end."""
    long = (text * (200_000 // len(text))).encode()
    for whole in (long, b"cookie: a=b;" + long, b"token" + b" " * len(long), b"://" + long):
        assert not holds_credentials(whole)
