/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A GPU's VF for unit tests, with attributes as NVIDIA's driver makes them, on the host of
 * made-card.h. The driver of the files is write(2), for which the program is linked with --wrap. It
 * checks, with another handle of the state file, that each value that it loses is saved.
 */
#ifndef VFA_MADE_GPU_H
#define VFA_MADE_GPU_H

#include "base/common.h"
#include "base/error.h"
#include "device/attributes.h"
#include "device/sysfs.h"
#include "spec/spec.h"
#include "state/claims.h"
#include "state/quarantine.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "provision/provisioner.h"
#include "claim/release.h"
#include "made-card.h"

#include <sqlite3.h>

#define GPU     "0000:65:00.4"
#define TYPE    "nvidia/current_vgpu_type"
#define DEVICES "bus/pci/devices/"
#define FOLDER  DEVICES GPU

/* ---- the driver of the files ---- */

static struct {
    const char *file; /* the file whose writes are refused; NULL: each of the device */
    unsigned busy;    /* so many writes are refused */
    int code;         /* with this errno */
    bool empty;       /* takes each value and shows none */
    unsigned writes;  /* all, of the device */
    unsigned die_at;  /* the number of the write that kills the process; 0: none */
    bool die_after;   /* after it has been done */
    void (*on_write)(void);
} driver;

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);

/* The name below the folder of the device, or NULL: another file. */
static inline const char *attribute_of(int fd, char *path, size_t size)
{
    char link[32];
    ssize_t n;
    char *at;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, size - 1);
    path[n < 0 ? 0 : n] = '\0';
    at = strstr(path, DEVICES);
    return at ? strchr(at + strlen(DEVICES), '/') + 1 : NULL;
}

static inline bool is_saved(const char *name)
{
    struct vfa_saved_list list = {NULL, 0};
    struct vfa_state *state = NULL;
    bool found;

    if (vfa_state_open(state_path, folder, VFA_STATE_READ, &state, NULL) != 0 ||
        vfa_state_saved(state, NULL, &list, NULL) != 0)
        made_give_up("state");
    found = list.n == 1 && vfa_attributes_find(&list.items[0].attributes, name);
    vfa_saved_list_clear(&list);
    vfa_state_close(state);
    return found;
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    char path[512];
    const char *name = attribute_of(fd, path, sizeof(path));
    ssize_t n;

    if (!name)
        return __real_write(fd, data, len);
    CHECK(is_saved(name), "%s is written, and what it was is not on record", name);
    driver.writes++;
    if (driver.on_write)
        driver.on_write();
    if (driver.writes == driver.die_at && !driver.die_after)
        raise(SIGKILL);
    if (driver.busy > 0 && (!driver.file || strcmp(name, driver.file) == 0)) {
        driver.busy--;
        errno = driver.code;
        return -1;
    }
    n = ftruncate(fd, 0); /* sysfs replaces the value with each write */
    if (n == 0)
        n = driver.empty ? __real_write(fd, "\n", 1) : __real_write(fd, data, len);
    if (driver.writes == driver.die_at)
        raise(SIGKILL);
    return driver.empty && n > 0 ? (ssize_t)len : n;
}

/* ---- the device ---- */

static struct vfa_attributes wanted;

static inline void want(const char *text)
{
    vfa_attributes_clear(&wanted);
    if (vfa_attributes_read(text, &wanted, NULL) < 0)
        made_give_up(text);
}

static inline void make_gpu(void)
{
    made_file(FOLDER "/class", "0x030200");
    made_file(FOLDER "/vendor", "0x10de");
    made_file(FOLDER "/device", "0x25b6");
    made_link(FOLDER "/physfn", "../0000:65:00.0");
    made_file(FOLDER "/" TYPE, "0");
    made_file(FOLDER "/reset_method", "flr bus");
}

/* Whether the file of an attribute has this line. */
static inline bool shows(const char *name, const char *value)
{
    char path[256], line[64];

    snprintf(path, sizeof(path), FOLDER "/%s", name);
    return vfa_sysfs_read(sysfs.rootfd, path, line, sizeof(line)) == 0 && strcmp(line, value) == 0;
}

static inline bool is_usual(void)
{
    return shows(TYPE, "0") && shows("reset_method", "flr bus");
}

static inline bool is_set(void)
{
    return shows(TYPE, "742") && shows("reset_method", "bus");
}

static inline bool is_gpu_quarantined(struct vfa_host *host, const char *reason)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};

    CHECK(vfa_state_quarantined(host->state, GPU, &list, NULL) == 0, "quarantine");
    return list.n > 0 && strstr(list.items[0].reason, reason);
}

static inline void ignore_warning(const char *text)
{
    warnings++;
}

static inline struct vfa_host begin_gpu(void)
{
    struct vfa_host host = begin(GPU);

    host.warn = ignore_warning;
    memset(&driver, 0, sizeof(driver));
    make_gpu();
    want(TYPE " 742\nreset_method bus\n");
    return host;
}

static inline int apply_wanted(struct vfa_host *host, struct vfa_error *err)
{
    const struct vfa_desired desired = {.kind = HOSTDEV, .attributes = wanted};
    const struct vfa_claim claim = the_claim(GPU);

    return vfa_provisioner_apply(host, &claim, &desired, err);
}

/* A host on which the attributes were set for the domain. */
static inline struct vfa_host begin_set_gpu(void)
{
    struct vfa_host host = begin_gpu();

    CHECK(apply_wanted(&host, NULL) == 0 && is_set(), "apply");
    driver.writes = 0;
    return host;
}

static inline size_t finish_all_releases(struct vfa_host *host, enum vfa_release_patience patience)
{
    struct vfa_release_left left = {0};

    CHECK(vfa_release_finish(host, patience, &left, NULL) == 0, "finish");
    return left.n;
}

static inline void stop(struct vfa_host *host)
{
    CHECK(vfa_release(host, UUID, NULL, VFA_WHY_STOPPED, NULL, NULL) == 0, "release");
}

static inline size_t release_gpu(struct vfa_host *host)
{
    stop(host);
    return finish_all_releases(host, VFA_RELEASE_WAIT);
}

static inline void make_claim_older(unsigned seconds)
{
    sqlite3 *db = NULL;
    char sql[96];

    snprintf(sql, sizeof(sql), "UPDATE claim SET state_since = state_since - %u", seconds);
    if (sqlite3_open(state_path, &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        made_give_up(sql);
    sqlite3_close(db);
}

#endif
