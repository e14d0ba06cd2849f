/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See mdev-kind.h. */

#include "mdev-kind.h"

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "device.h"
#include "health.h"
#include "made-name.h"
#include "maker.h"
#include "mdev.h"
#include "on-function.h"
#include "private.h"
#include "sysfs.h"

#include <errno.h>
#include <string.h>

#define TYPE_PREFIX "mdev-type:"

bool vfa_mdev_has_id(const char *id)
{
    char uuid[VFA_UUID_SIZE];
    const char *type = strncmp(id, TYPE_PREFIX, strlen(TYPE_PREFIX)) == 0
                           ? strchr(id + strlen(TYPE_PREFIX), '/')
                           : NULL;

    if (strncmp(id, VFA_MDEV_PREFIX, strlen(VFA_MDEV_PREFIX)) == 0)
        return vfa_uuid_parse(id + strlen(VFA_MDEV_PREFIX), uuid);
    return type && type[1];
}

/* ---- types ---- */

static bool is_of_type(const struct vfa_mdev *mdev, const struct vfa_mdev_type *type)
{
    return strcmp(mdev->parent, type->parent) == 0 && strcmp(mdev->type, type->type) == 0;
}

/* VFA_SYSFS_GONE: its name is no identity. */
static int fill_type(const struct vfa_sysfs *sysfs, const struct vfa_mdev_type *type,
                     const struct vfa_mdevs *mdevs, struct vfa_device *ret, struct vfa_error *err)
{
    char id[sizeof(TYPE_PREFIX) + 2 * VFA_MAKER_NAME_SIZE];
    uint32_t made = 0;

    snprintf(id, sizeof(id), TYPE_PREFIX "%s/%s", type->parent, type->type);
    if (!vfa_device_id_ok(id))
        return VFA_SYSFS_GONE;
    for (size_t i = 0; i < mdevs->n; i++)
        made += is_of_type(&mdevs->items[i], type);
    *ret = vfa_device_unknown(id);
    ret->type = VFA_TYPE_MDEV;
    ret->makes = type->available + made > 0 ? type->available + made : 1;
    return type->has_function ? vfa_on_function(sysfs, &type->function, ret, err) : 0;
}

static int scan_types(const struct vfa_sysfs *sysfs, const struct vfa_mdevs *mdevs,
                      struct vfa_device_list *list, struct vfa_error *err)
{
    VFA_AUTO(vfa_mdev_types_clear) struct vfa_mdev_types types = {NULL, 0};
    int r = vfa_mdev_types(sysfs, &types, err);

    for (size_t i = 0; r == 0 && i < types.n; i++) {
        struct vfa_device *dev = vfa_device_list_add(list);

        r = dev ? fill_type(sysfs, &types.items[i], mdevs, dev, err) : vfa_fail_oom(err);
        if (r == VFA_SYSFS_GONE) {
            list->n--; /* nothing was filled in */
            r = 0;
        }
    }
    return r;
}

/* Splits the identity of a type. False: it is none. */
static bool split_type(const char *id, char parent[VFA_MAKER_NAME_SIZE],
                       char type[VFA_MAKER_NAME_SIZE])
{
    const char *name = id + strlen(TYPE_PREFIX), *slash;

    if (strncmp(id, TYPE_PREFIX, strlen(TYPE_PREFIX)) != 0)
        return false;
    slash = strchr(name, '/');
    if (!slash || (size_t)(slash - name) >= VFA_MAKER_NAME_SIZE)
        return false;
    snprintf(parent, VFA_MAKER_NAME_SIZE, "%.*s", (int)(slash - name), name);
    snprintf(type, VFA_MAKER_NAME_SIZE, "%s", slash + 1);
    return true;
}

static int read_type(const struct vfa_sysfs *sysfs, const char *parent, const char *type,
                     struct vfa_device *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_mdevs_clear) struct vfa_mdevs mdevs = {NULL, 0};
    struct vfa_mdev_type found;
    int r = vfa_mdev_read_type(sysfs, parent, type, &found, err);

    if (r == 0)
        r = vfa_mdevs(sysfs, &mdevs, err);
    if (r != 0)
        return r < 0 ? r : VFA_SYSFS_GONE;
    return fill_type(sysfs, &found, &mdevs, ret, err);
}

/* ---- devices ---- */

static int fill_mdev(const struct vfa_sysfs *sysfs, const struct vfa_mdev *mdev,
                     struct vfa_device *ret, struct vfa_error *err)
{
    char id[sizeof(VFA_MDEV_PREFIX) + VFA_UUID_SIZE];
    int r;

    snprintf(id, sizeof(id), VFA_MDEV_PREFIX "%s", mdev->uuid);
    *ret = vfa_device_unknown(id);
    ret->type = VFA_TYPE_MDEV;
    r = mdev->has_function ? vfa_on_function(sysfs, &mdev->function, ret, err) : 0;
    if (r < 0)
        return r;
    if (asprintf(&ret->maker, TYPE_PREFIX "%s/%s", mdev->parent, mdev->type) < 0)
        ret->maker = NULL;
    return ret->maker ? 0 : vfa_fail_oom(err);
}

static int add_mdevs(const struct vfa_sysfs *sysfs, const struct vfa_mdevs *mdevs,
                     struct vfa_device_list *list, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < mdevs->n; i++) {
        struct vfa_device *dev = vfa_device_list_add(list);

        r = dev ? fill_mdev(sysfs, &mdevs->items[i], dev, err) : vfa_fail_oom(err);
    }
    return r;
}

/* ---- the row ---- */

int vfa_mdev_scan(const struct vfa_sysfs *sysfs, struct vfa_device_list *list,
                  struct vfa_error *err)
{
    VFA_AUTO(vfa_mdevs_clear) struct vfa_mdevs mdevs = {NULL, 0};
    int r = vfa_mdevs(sysfs, &mdevs, err);

    if (r == 0)
        r = scan_types(sysfs, &mdevs, list, err);
    return r == 0 ? add_mdevs(sysfs, &mdevs, list, err) : r;
}

int vfa_mdev_read_id(const struct vfa_sysfs *sysfs, const char *id, struct vfa_device *ret,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
    char parent[VFA_MAKER_NAME_SIZE], type[VFA_MAKER_NAME_SIZE];
    struct vfa_mdev mdev;
    int r;

    if (split_type(id, parent, type)) {
        r = read_type(sysfs, parent, type, &dev, err);
    } else {
        r = vfa_mdev_read(sysfs, id + strlen(VFA_MDEV_PREFIX), &mdev, err);
        r = r == 0 ? fill_mdev(sysfs, &mdev, &dev, err) : r < 0 ? r : VFA_SYSFS_GONE;
    }
    if (r != 0)
        return r;
    *ret = dev;
    dev = (struct vfa_device){0};
    return 0;
}

int vfa_mdev_check(struct vfa_health_context *health_context, const struct vfa_device *dev,
                   struct vfa_health *ret, struct vfa_error *err)
{
    struct vfa_health health = {.use = {.fault = VFA_HEALTH_NONE}};
    char parent[VFA_MAKER_NAME_SIZE], type[VFA_MAKER_NAME_SIZE];
    struct vfa_mdev_type found = {.available = 1};
    int r = 0;

    if (split_type(dev->id, parent, type))
        r = vfa_mdev_read_type(health_context->sysfs, parent, type, &found, err);
    if (r < 0)
        return r;
    if (found.available == 0)
        vfa_health_report_fault(&health.use, VFA_HEALTH_FULL, "available_instances is 0");
    *ret = health;
    return 0;
}

int vfa_mdev_derive(const struct vfa_device *maker, const struct vfa_made_for *made_for,
                    struct vfa_device *ret, struct vfa_error *err)
{
    char uuid[VFA_UUID_SIZE], id[VFA_DEVICE_ID_SIZE];

    if (made_for->source)
        return vfa_of_maker(maker, made_for->source, ret, err);
    snprintf(id, sizeof(id), VFA_MDEV_PREFIX "%s",
             vfa_made_uuid(made_for->uuid, made_for->request, uuid));
    return vfa_of_maker(maker, id, ret, err);
}
