# SPDX-License-Identifier: Apache-2.0
# Asks a node over HTTP and holds every answer against docs/openapi.json: its status must be one of
# the operation's, its type and its body what the description says.
import gzip
import http.client
import json
import pathlib
import re

import json_schema

DOCUMENT = json.loads((pathlib.Path(__file__).resolve().parents[2] / "docs" / "openapi.json").read_text())


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode(errors="replace")

    @property
    def json(self):
        return json.loads(self.text)

    def header(self, name):
        return self.headers.get(name)


def template_of(path):
    """The path of the description that fits, the one with the fewest words if several do."""
    fitting = [t for t in DOCUMENT["paths"]
               if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(t)), path)]
    return min(fitting, key=lambda t: t.count("{")) if fitting else None


class Api:
    def __init__(self, port):
        self.port = port
        self.tls = None  # an ssl.SSLContext, for a node with a certificate
        self.used = set()  # (method, path of the description) that gave a success

    def send(self, method, target, body=None, headers=None, seconds=70):
        """One request as it is written."""
        connection = (http.client.HTTPSConnection("127.0.0.1", self.port, timeout=seconds, context=self.tls)
                      if self.tls else http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds))
        try:
            connection.request(method, target, body=body, headers=headers or {})
            answer = connection.getresponse()
            endless = (answer.getheader("Content-Type") or "").startswith("text/event-stream")
            content = b"" if endless else answer.read()
            if answer.getheader("Content-Encoding") == "gzip":
                content = gzip.decompress(content)
            return Answer(answer.status, answer.headers, content)
        finally:
            connection.close()

    def __call__(self, method, target, document=None, status=None, headers=None, kind="application/json"):
        """`target` below /api/v1 unless it starts with //; gives the answer, which fits the description."""
        target = target[1:] if target.startswith("//") else "/api/v1" + target
        headers = dict(headers or {})
        body = None
        if document is not None:
            body = document if isinstance(document, (bytes, str)) else json.dumps(document)
            headers.setdefault("Content-Type", kind)
        answer = self.send(method, target, body, headers)
        self.check(method, target, answer)
        if status is not None and answer.status != status:
            raise AssertionError("%s %s: %d instead of %d: %s" % (method, target, answer.status, status,
                                                                 answer.text[:600]))
        return answer

    def check(self, method, target, answer):
        where = "%s %s -> %d" % (method, target, answer.status)
        path = target.partition("?")[0]
        template = template_of(path)
        operation = DOCUMENT["paths"].get(template, {}).get(method.lower())
        if operation is None:
            if answer.status not in (404, 405, 421):
                raise AssertionError(where + ": the description knows no such operation")
            return
        if str(answer.status) not in operation["responses"]:
            raise AssertionError(where + ": not among the answers of the description: " + answer.text[:600])
        if 200 <= answer.status < 300:
            self.used.add((method, template))
        told = json_schema.resolve(DOCUMENT, operation["responses"][str(answer.status)])
        content = told.get("content")
        if not content:
            if answer.body:
                raise AssertionError(where + ": a body nobody described")
            return
        kind = answer.header("Content-Type").partition(";")[0]
        if kind not in content:
            raise AssertionError("%s: %s instead of %s" % (where, kind, list(content)))
        for name in told.get("headers", {}):
            if name in ("ETag", "Location", "Retry-After", "WWW-Authenticate") and answer.header(name) is None:
                raise AssertionError("%s: no %s" % (where, name))
        if "json" in kind and "fields=" not in target:
            wrong = json_schema.misfits(DOCUMENT, content[kind]["schema"], answer.json)
            if wrong:
                raise AssertionError("%s:\n  %s\n%s" % (where, "\n  ".join(wrong[:10]), answer.text[:1500]))
