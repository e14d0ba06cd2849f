/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links to the nodes of made devices: what is in their way. */

#include "base/common.h"
#include "base/error.h"
#include "provision/node-link.h"
#include "check.h"
#include "made-sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char top[64]; /* of all links */

static char *path_of(const char *rest)
{
    static char paths[4][300];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", top, rest);
    return path;
}

static int make(const char *rest, const char *target, struct vfa_error *err)
{
    return vfa_node_link_make(top, path_of(rest), target, err);
}

static int discard(const char *rest, const char *target)
{
    return vfa_node_link_remove(top, path_of(rest), target, NULL);
}

static bool is_link(const char *rest, const char *target)
{
    char now[128];
    ssize_t n = readlink(path_of(rest), now, sizeof(now));

    return n == (ssize_t)strlen(target) && memcmp(now, target, (size_t)n) == 0 &&
           vfa_node_link_leads_to(top, path_of(rest), target);
}

static bool exists(const char *rest)
{
    struct stat st;

    return lstat(path_of(rest), &st) == 0;
}

static mode_t mode_of(const char *rest)
{
    struct stat st;

    return stat(path_of(rest), &st) == 0 ? st.st_mode & 07777 : 0;
}

static void test_below(void)
{
    static const struct {
        const char *path;
        bool below;
    } cases[] = {{"/f/a", true},     {"/f/a/b", true},    {"/f/.a/..b/...", true},
                 {"/f", false},      {"/f/", false},      {"/f//a", false},
                 {"/f/a/", false},   {"/f/./a", false},   {"/f/a/.", false},
                 {"/f/../a", false}, {"/f/a/..", false},  {"/fa", false},
                 {"/g/f/a", false},  {"f/a", false},      {"", false},
                 {"/f/a//b", false}, {"/f/a/../b", false}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK(vfa_node_link_is_below("/f", cases[i].path) == cases[i].below, "%s", cases[i].path);
}

static void test_usual(void)
{
    umask(077);
    CHECK(make("uuid/net-0", "/dev/null", NULL) == 0 && is_link("uuid/net-0", "/dev/null"), "made");
    CHECK(mode_of("") == 0711 && mode_of("uuid") == 0711, "%o", (unsigned)mode_of("uuid"));
    umask(022);
    CHECK(make("uuid/net-0", "/dev/zero", NULL) == 0 && is_link("uuid/net-0", "/dev/zero"),
          "replaced");
    CHECK(!vfa_node_link_leads_to(top, path_of("uuid/net-0"), "/dev/null"), "another target");
    CHECK(make("uuid/net-1", "/dev/null", NULL) == 0, "a second one");
    CHECK(make("a/b/c/d", "/dev/null", NULL) == 0 && is_link("a/b/c/d", "/dev/null"), "deep");
    CHECK(make("x", "/dev/null", NULL) == 0 && is_link("x", "/dev/null"), "no folder");
    CHECK(discard("uuid/net-0", "/dev/null") == 0 && exists("uuid/net-0"), "another's");
    CHECK(discard("uuid/net-0", NULL) == 0 && exists("uuid/net-0"), "a device has it");
    CHECK(discard("uuid/net-0", "/dev/zero") == 0 && !exists("uuid/net-0"), "its own");
    CHECK(exists("uuid/net-1"), "the folder is not empty");
    CHECK(discard("uuid/net-1", "/dev/null") == 0 && !exists("uuid"), "the folder is empty");
    CHECK(discard("a/b/c/d", "/dev/null") == 0 && !exists("a") && exists(""), "all folders");
    CHECK(discard("x", "/dev/null") == 0 && !exists("x") && exists(""), "the top stays");
    CHECK(discard("x", "/dev/null") == 0 && discard("no/such", NULL) == 0, "nothing is there");
    CHECK(make("u/r", "/nosuch", NULL) == 0 && discard("u/r", NULL) == 0 && !exists("u"),
          "it leads to nothing");
}

/* A program was killed between symlink and rename. */
static void test_killed(void)
{
    CHECK(make("u/r", "/dev/null", NULL) == 0 && symlink("/dev/zero", path_of("u/.r.new")) == 0,
          "left over");
    CHECK(make("u/r", "/dev/null", NULL) == 0 && !exists("u/.r.new"), "no longer");
    CHECK(discard("u/r", "/dev/null") == 0 && !exists("u"), "nothing is left");
}

static void check_refused(const char *rest, int code, const char *text)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int r = make(rest, "/dev/null", &err);

    CHECK(r == -code && check_has(&err, text), "%s: %d, %s", rest, r, vfa_error_text(&err));
    CHECK(discard(rest, "/dev/null") == 0, "%s: is not removed either", rest);
}

/* Whatever is at the end of a symbolic link in the way stays as it is. */
static void test_attacks(void)
{
    char other[96];

    snprintf(other, sizeof(other), "%s/other", made_root);
    made_folder("other");
    made_file("victim", "text");
    check_refused("../x", EINVAL, "is not below");
    CHECK(make("u/r", "/dev/null", NULL) == 0, "the top is there");
    CHECK(symlink(other, path_of("evil")) == 0, "a folder is a link");
    check_refused("evil/r", ENOTDIR, "cannot use the link");
    check_refused("evil/v/r", ENOTDIR, "cannot use the link");
    CHECK(rmdir(other) == 0, "nothing was made in it");
    made_folder("other");
    snprintf(other, sizeof(other), "%s/victim", made_root);
    CHECK(symlink(other, path_of("link")) == 0 && make("link", "/dev/null", NULL) == 0 &&
              is_link("link", "/dev/null") && access(other, R_OK) == 0,
          "a link of its name is replaced, not followed");
    CHECK(mkdir(path_of("folder"), 0711) == 0, "a folder has its name");
    check_refused("folder", EEXIST, "is no link");
    close(open(path_of("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    check_refused("file", EEXIST, "is no link");
    check_refused("file/r", ENOTDIR, "cannot use the link");
    CHECK(exists("file") && exists("folder"), "and stay");
    CHECK(chmod(path_of("folder"), 0777) == 0, "others can write to it");
    check_refused("folder/r", EPERM, "others than root can write");
    CHECK(chmod(path_of("folder"), 0711) == 0 && chown(path_of("folder"), 1, 1) == 0, "another's");
    if (geteuid() == 0)
        check_refused("folder/r", EPERM, "others than root can write");
    CHECK(discard("folder/r", NULL) == 0 && exists("folder"), "stays");
}

/* The top itself. */
static void test_top(void)
{
    char moved[96];

    snprintf(moved, sizeof(moved), "%s/moved", made_root);
    CHECK(rename(top, moved) == 0 && symlink(moved, top) == 0, "moved");
    check_refused("u/r", ENOTDIR, "cannot use the link");
    CHECK(unlink(top) == 0 && rename(moved, top) == 0, "moved back");
}

/* Two requests of one domain: one ends while the other begins. */
static void test_two_at_once(void)
{
    pid_t pid = fork();
    int status = 1;

    for (unsigned i = 0; i < 500; i++) {
        const char *rest = pid == 0 ? "both/one" : "both/two";
        int r = make(rest, "/dev/null", NULL);

        if (r == 0 && is_link(rest, "/dev/null"))
            r = discard(rest, "/dev/null");
        if (pid == 0 && r != 0)
            _exit(1);
        CHECK(r == 0, "%u: %d", i, r);
    }
    if (pid == 0)
        _exit(0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0, "the other one");
    CHECK(!exists("both"), "nothing is left");
}

int main(void)
{
    struct vfa_sysfs sysfs = made_begin();

    snprintf(top, sizeof(top), "%s/vdpa", made_root);
    test_below();
    test_usual();
    test_killed();
    test_attacks();
    test_top();
    test_two_at_once();
    made_end(&sysfs);
    return check_result();
}
