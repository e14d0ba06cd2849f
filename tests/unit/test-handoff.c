/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt gets the whole reply of a handler, and only if the handler succeeded. */

#include "base/common.h"
#include "hooks/handoff.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

static int ask(const char *script, int *ret_fd)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};

    return vfa_handoff_capture("/bin/sh", argv, ret_fd);
}

static size_t size_of(int fd)
{
    return (size_t)lseek(fd, 0, SEEK_END);
}

static void test_verdicts(void)
{
    static const struct {
        const char *script;
        int verdict;
        size_t kept;
    } cases[] = {
        {"exit 0", 0, 0},
        {"echo '<domain/>'", 0, 10},
        {"echo '<domain/>'; exit 1", 1, 10},
        {"printf '<dom'; kill -KILL $$", -ECHILD, 4},
        {"exec >&-; kill -SEGV $$", -ECHILD, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_closep) int fd = -1;
        int r = ask(cases[i].script, &fd);

        CHECK(r == cases[i].verdict, "%s: %d", cases[i].script, r);
        CHECK(size_of(fd) == cases[i].kept, "%s: %zu", cases[i].script, size_of(fd));
    }
}

/* Under valgrind, which shares no memory between the processes of a vfork(), posix_spawn() cannot
 * report this error, and its child ends with 127. */
static void test_not_there(void)
{
    VFA_AUTO(vfa_closep) int fd = -1;
    char *argv[] = {(char *)"none", NULL};
    int r = vfa_handoff_capture("/nonexistent/none", argv, &fd);

    CHECK(r == -ENOENT || r == 127, "%d", r);
}

/* More than the capacity of a pipe. */
static void test_answer(void)
{
    VFA_AUTO(vfa_closep) int answer = -1;
    int kept = dup(STDOUT_FILENO), out = memfd_create("out", MFD_CLOEXEC);
    char first[8] = "", last[8] = "";

    CHECK(ask("printf '<domain'; head -c 200000 /dev/zero; printf 'omain/>'", &answer) == 0, "ask");
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    CHECK(vfa_handoff_reply(answer) == 0, "answer");
    dup2(kept, STDOUT_FILENO);
    close(kept);
    CHECK(size_of(out) == 200014, "%zu", size_of(out));
    CHECK(pread(out, first, 7, 0) == 7 && strcmp(first, "<domain") == 0, "%s", first);
    CHECK(pread(out, last, 7, 200007) == 7 && strcmp(last, "omain/>") == 0, "%s", last);
    close(out);
}

int main(void)
{
    test_verdicts();
    test_not_there();
    test_answer();
    return check_result();
}
