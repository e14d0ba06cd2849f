/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lock of the daemon: a copy of its descriptor keeps the lock, and the next daemon adopts the
 * copy. Wrong descriptors are refused. */

#include "base/common.h"
#include "state/lock.h"
#include "check.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static char folder[64];
static char path[128]; /* of the state file */
static char lock_file[192];

static bool present(void)
{
    bool present = false;

    CHECK(vfa_lock_is_held(path, &present, NULL) == 0, "ask");
    return present;
}

static int take(void)
{
    int fd = -1;

    CHECK(vfa_lock_acquire(path, &fd, NULL) == 0, "take");
    return fd;
}

static bool is_taken(void)
{
    VFA_AUTO(vfa_closep) int fd = -1;

    return vfa_lock_acquire(path, &fd, NULL) == VFA_LOCK_TAKEN;
}

/* The daemon closes its descriptor, a kept copy stays open, and the next daemon adopts a copy of
 * that copy. */
static void test_place_is_kept(void)
{
    int own = take();
    int kept = dup(own), next;

    close(own);
    CHECK(present() && is_taken(), "kept");
    next = dup(kept);
    CHECK(vfa_lock_adopt(path, next), "adopt");
    close(kept);
    CHECK(present() && is_taken(), "adopted");
    close(next);
    CHECK(!present() && !is_taken(), "the last one is closed");
}

static void test_lock_that_nobody_has(void)
{
    int fd = open(lock_file, O_RDWR);

    CHECK(vfa_lock_adopt(path, fd) && present(), "taken by it");
    close(fd);
    CHECK(!present(), "closed");
}

enum handed { OTHER_FILE, REMOVED, REMOVED_AND_MADE_ANEW, OF_ANOTHER_DAEMON, READ_ONLY, CLOSED };

/* The descriptor that the next daemon gets in this case. *ret_other: the lock of another daemon. */
static int hand_over(enum handed handed, int *ret_other)
{
    int fd = handed == OTHER_FILE ? open("/dev/null", O_RDWR)
                                  : open(lock_file, handed == READ_ONLY ? O_RDONLY : O_RDWR);

    CHECK(fd >= 0, "%d", handed);
    if (handed == REMOVED || handed == REMOVED_AND_MADE_ANEW) {
        CHECK(vfa_lock_adopt(path, fd), "it was the right one");
        unlink(lock_file);
    }
    if (handed == REMOVED_AND_MADE_ANEW)
        close(take());
    if (handed == OF_ANOTHER_DAEMON)
        *ret_other = take();
    if (handed == CLOSED)
        close(fd);
    return fd;
}

static void test_what_is_refused(void)
{
    static const struct {
        enum handed handed;
        bool present;
    } cases[] = {
        {OTHER_FILE, false},       {REMOVED, false},   {REMOVED_AND_MADE_ANEW, false},
        {OF_ANOTHER_DAEMON, true}, {READ_ONLY, false}, {CLOSED, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_closep) int other = -1;
        int fd = hand_over(cases[i].handed, &other);

        CHECK(!vfa_lock_adopt(path, fd), "%d", cases[i].handed);
        CHECK(present() == cases[i].present, "%d", cases[i].handed);
        if (cases[i].handed != CLOSED)
            close(fd);
        if (cases[i].handed != OF_ANOTHER_DAEMON)
            close(take());
    }
}

int main(void)
{
    strcpy(folder, "/tmp/vfalias-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/state", folder);
    snprintf(lock_file, sizeof(lock_file), "%s.lock", path);
    test_place_is_kept();
    test_lock_that_nobody_has();
    test_what_is_refused();
    unlink(lock_file);
    rmdir(folder);
    return check_result();
}
