# SPDX-License-Identifier: LGPL-2.1-or-later
"""The other end of record-hook: keeps the hook calls in order, and may answer them.

A call waits until it is answered, and libvirt keeps the domain locked until then: a reaction runs at exactly this point
of a start or stop. A reaction must not wait for libvirt.

    recorder.react("started", lambda call: daemon.kill())        # runs while libvirt waits
    recorder.react("start", lambda call: {"status": 1})          # vetoes
"""
import json
import socket
import threading
from dataclasses import dataclass


@dataclass
class Call:
    hook: str      # the file name of the hook that was called
    argv: list     # DOMAIN OPERATION SUBOPERATION EXTRA
    environ: dict
    stdin: str

    domain = property(lambda self: self.argv[0])
    what = property(lambda self: " ".join(self.argv[1:]))  # "prepare begin -"


class Recorder:
    def __init__(self, news, path):
        self._news = news
        self.calls = []
        self._reactions = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(16)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client):
        with client, client.makefile() as stream:
            text = stream.read()
            if not text:
                return
            call = Call(**json.loads(text))
            answer = None
            for reaction in list(self._reactions):
                if reaction["hook"] == call.hook and reaction["operation"] == call.argv[1]:
                    answer = reaction["function"](call) or answer
            self.calls.append(call)
            try:
                client.sendall(json.dumps(answer or {}).encode())
            except OSError:
                pass  # the hook was killed
        self._news.tell()

    def react(self, operation, function, hook="zz-after"):
        """function(call) runs before the call is answered. Its return value is the answer."""
        self._reactions.append({"operation": operation, "function": function, "hook": hook})

    def forget(self):
        self._reactions.clear()
        self.calls.clear()

    def of(self, domain, hook="zz-after"):
        return [call for call in list(self.calls) if call.domain == domain and call.hook == hook]

    def whats(self, domain, hook="zz-after"):
        """The calls for a domain in order, as "prepare begin -"."""
        return [call.what for call in self.of(domain, hook)]

    def wait(self, domain, what, count=1, hook="zz-after"):
        return self._news.until(lambda: self.whats(domain, hook).count(what) >= count and
                                self.of(domain, hook),
                                "no hook call '%s' for '%s'" % (what, domain))

    def close(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
