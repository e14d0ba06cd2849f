/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fake sysfs tree that a unit test makes in a temporary folder. Paths are relative to its root;
 * the functions make missing folders. */
#ifndef VFA_MADE_SYSFS_H
#define VFA_MADE_SYSFS_H

#include "base/common.h"
#include "device/sysfs.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>

static char made_root[] = "/tmp/vfalias-test-XXXXXX";

static inline void made_give_up(const char *what)
{
    perror(what);
    exit(1);
}

static inline struct vfa_sysfs made_begin(void)
{
    struct vfa_sysfs sysfs = {.rootfd = -1};

    if (!mkdtemp(made_root) || vfa_sysfs_open(made_root, &sysfs, NULL) < 0)
        made_give_up(made_root);
    return sysfs;
}

static inline int made_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static inline void made_end(struct vfa_sysfs *sysfs)
{
    vfa_sysfs_close(sysfs);
    nftw(made_root, made_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* Makes the folders of a path. Returns the full path. */
static inline void made_path(char *buf, size_t size, const char *path)
{
    snprintf(buf, size, "%s/%s", made_root, path);
    for (char *p = buf + sizeof(made_root); (p = strchr(p, '/')); p++) {
        *p = '\0';
        if (mkdir(buf, 0755) < 0 && errno != EEXIST)
            made_give_up(buf);
        *p = '/';
    }
}

static inline void made_folder(const char *path)
{
    char buf[256];

    made_path(buf, sizeof(buf), path);
    if (mkdir(buf, 0755) < 0 && errno != EEXIST)
        made_give_up(buf);
}

static inline void made_file(const char *path, const char *text)
{
    char buf[256];
    FILE *f;

    made_path(buf, sizeof(buf), path);
    f = fopen(buf, "w");
    if (!f || fprintf(f, "%s\n", text) < 0 || fclose(f) != 0)
        made_give_up(buf);
}

/* The programs read only the last component of a link's target. */
static inline void made_link(const char *path, const char *target)
{
    char buf[256];

    made_path(buf, sizeof(buf), path);
    unlink(buf);
    if (symlink(target, buf) < 0)
        made_give_up(buf);
}

static inline void made_without(const char *path)
{
    char buf[256];

    made_path(buf, sizeof(buf), path);
    nftw(buf, made_remove, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
