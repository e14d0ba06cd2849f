/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which files may be run as cleaners: files that only root, or the user of this test, can
 * change. */

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/cleaner.h"
#include "config/config.h"
#include "check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/vfalias-test-XXXXXX";
static char clean_d[64], path[80];

static const struct {
    const char *name;
    bool ok;
} names[] = {
    {"a", true},         {"nvme-format", true}, {"function_reset.sh", true},
    {"0", true},         {"", false},           {".", false},
    {"..", false},       {".hidden", false},    {"-x", false},
    {"a/b", false},      {"/bin/sh", false},    {"a b", false},
    {"a\nb", false},     {"$x", false},         {"%n", false},
    {"\xc3\xa4", false}, {"a;b", false},
};

static void test_names(void)
{
    char longest[66];

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        CHECK(vfa_cleaner_name_ok(names[i].name) == names[i].ok, "'%s'", names[i].name);
    memset(longest, 'a', sizeof(longest));
    longest[64] = '\0';
    CHECK(vfa_cleaner_name_ok(longest), "");
    longest[64] = 'a';
    longest[65] = '\0';
    CHECK(!vfa_cleaner_name_ok(longest), "");
}

/* want: a part of the error; NULL: no error. */
static void check_find(const char *want)
{
    const struct vfa_config config = {.clean_dir = clean_d};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *found = NULL;
    int r = vfa_cleaner_find(&config, "c", &found, &err);

    if (want)
        CHECK(r < 0 && !found && strstr(vfa_error_text(&err), want), "%d %s, not '%s'", r,
              vfa_error_text(&err), want);
    else
        CHECK(r == 0 && found && strcmp(found, path) == 0, "%d %s", r, vfa_error_text(&err));
}

static void make(const char *name, mode_t mode)
{
    VFA_AUTO(vfa_closep) int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && fchmod(fd, mode) == 0, "%s", name);
}

static void test_file(void)
{
    check_find("No such file"); /* the folder does not exist */
    CHECK(mkdir(clean_d, 0755) == 0, "");
    check_find("/c': No such file");
    make(path, 0755);
    check_find(NULL);
    make(path, 0700);
    check_find(NULL);
    make(path, 0644);
    check_find("it is not executable");
    make(path, 0775);
    check_find("others than root may write it");
    make(path, 0757);
    check_find("others than root may write it");
    make(path, 0755);
    CHECK(chmod(clean_d, 0775) == 0, "");
    check_find("clean.d': others than root may write it");
    CHECK(chmod(clean_d, 0755) == 0, "");
    if (geteuid() == 0) {
        CHECK(chown(path, 1, 0) == 0, "");
        check_find("/c': it does not belong to root");
        CHECK(chown(path, 0, 0) == 0 && chown(clean_d, 1, 0) == 0, "");
        check_find("clean.d': it does not belong to root");
        CHECK(chown(clean_d, 0, 0) == 0, "");
    }
    CHECK(unlink(path) == 0 && symlink("/bin/true", path) == 0, "");
    check_find("it is not a regular file");
    CHECK(unlink(path) == 0 && mkdir(path, 0755) == 0, "");
    check_find("it is not a regular file");
    CHECK(rmdir(path) == 0 && rmdir(clean_d) == 0 && symlink("/bin", clean_d) == 0, "");
    check_find("it is not a folder");
    CHECK(unlink(clean_d) == 0, "");
}

int main(void)
{
    if (!mkdtemp(folder)) {
        perror(folder);
        return EXIT_FAILURE;
    }
    snprintf(clean_d, sizeof(clean_d), "%s/clean.d", folder);
    snprintf(path, sizeof(path), "%s/c", clean_d);
    umask(022);
    test_names();
    test_file();
    rmdir(folder);
    return check_result();
}
