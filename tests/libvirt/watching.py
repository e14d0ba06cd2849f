# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waits for a condition without sleeping: whatever may change the condition gives news.

Sources of news: lines of a log, hook calls, libvirt's events, datagrams, writes in a folder. until() looks again after
each. This file knows neither libvirt nor vfalias.
"""
import ctypes
import os
import socket
import threading
import time

LIMIT = 60  # seconds: much more than any step takes, also on two busy cores

IN_CHANGES = 0x2 | 0x40 | 0x80 | 0x100 | 0x200  # modify, moved from and to, create, delete


class News:
    def __init__(self):
        self._changed = threading.Condition()
        self._count = 0

    def tell(self):
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def until(self, look, what, seconds=LIMIT):
        """The first true value of look(). Calls look() at once, and then after each news."""
        end = time.monotonic() + seconds
        while True:
            seen = self._count
            value = look()
            if value:
                return value
            with self._changed:
                if not self._changed.wait_for(lambda: self._count != seen,
                                              max(0, end - time.monotonic())):
                    raise AssertionError("waited %d s in vain: %s" % (seconds, what))

    def follow(self, read, tell):
        """A thread that calls tell() with each result of read(), until the result is empty."""
        def loop():
            while True:
                try:
                    got = read()
                except (OSError, ValueError):
                    return
                if not got:
                    return
                tell(got)
                self.tell()
        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        return thread


class Lines:
    """Text that grows by lines: the output of a process."""

    def __init__(self, news, stream):
        self._news = news
        self.lines = []
        self.reader = news.follow(stream.readline, lambda line: self.lines.append(line.rstrip()))

    def mark(self):
        return len(self.lines)

    def find(self, text, since=0):
        return [line for line in self.lines[since:] if text in line]

    def wait(self, text, since=0, seconds=LIMIT):
        """Waits for a line with the text; returns the lines with the text."""
        return self._news.until(lambda: self.find(text, since), "no line with '%s'" % text, seconds)


class Datagrams:
    """Messages to a socket at `path`: messages of syslog(3), or of sd_notify(3)."""

    def __init__(self, news, path):
        self._news = news
        self.path = path
        self.messages = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        news.follow(lambda: self._socket.recv(65536),
                    lambda message: self.messages.append(message.decode(errors="replace")))

    def find(self, text, since=0):
        return [message for message in self.messages[since:] if text in message]

    def wait(self, text, since=0, seconds=LIMIT):
        return self._news.until(lambda: self.find(text, since), "no message '%s'" % text, seconds)

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def watch_folder(news, path):
    """Gives news after each change in a folder. Returns the descriptor, which the caller closes."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_CLOEXEC)
    if fd < 0 or libc.inotify_add_watch(fd, str(path).encode(), IN_CHANGES) < 0:
        raise OSError(ctypes.get_errno(), "cannot watch", str(path))
    news.follow(lambda: os.read(fd, 65536), lambda _: None)
    return fd
