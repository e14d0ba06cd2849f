/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See make.h. One row for each kind of device that can be made.
 *
 * After a time limit the kernel may still make a vDPA device: sysfs does not show it yet, although
 * its request waits in the kernel. The requests are served one after the other. So a device is gone
 * only if the kernel has said so in answer to a request, and a device whose request still waits is
 * destroyed by a later attempt.
 */

#include "make.h"

#include "base/common.h"
#include "base/error.h"
#include "device/kind.h"
#include "device/made-name.h"
#include "device/maker.h"
#include "device/mdev.h"
#include "device/sysfs.h"
#include "device/vdpa-node.h"
#include "device/vdpa.h"
#include "spec/spec.h"
#include "node-link.h"
#include "provisioner.h"
#include "recipe.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define MAKE_MS    10000 /* for each call; hardware needs 100 ms and more */
#define DESTROY_MS 3000

struct made_kind {
    const char *name;   /* as in device/kind.h */
    const char *prefix; /* of its makers */
    /* These return values of maker.h; `name` is the identity without its prefix. */
    int (*exists)(const struct vfa_sysfs *sysfs, const char *name, struct vfa_error *err);
    int (*maker)(const struct vfa_sysfs *sysfs, const char *name, char *ret, struct vfa_error *err);
    int (*add)(const struct vfa_make *make, const char *name, const char *maker,
               struct vfa_error *err);
    int (*finish)(const struct vfa_make *make, const char *name, struct vfa_error *err);
    int (*destroy)(const struct vfa_make *make, const char *name, struct vfa_error *err);
};

/* ---- vDPA: adding ---- */

enum { WITHOUT_MAC = 1, WITHOUT_MTU = 2, WITHOUT_MAX_VQP = 4 };

static unsigned settings_of(const struct vfa_recipe *recipe)
{
    return (recipe->mac[0] ? WITHOUT_MAC : 0) | (recipe->vdpa.mtu ? WITHOUT_MTU : 0) |
           (recipe->vdpa.max_vqp ? WITHOUT_MAX_VQP : 0);
}

static int add_vdpa_without(const struct vfa_make *make, const char *name, const char *maker,
                            unsigned without, struct vfa_error *err)
{
    const struct vfa_recipe *recipe = make->recipe;
    const struct vfa_vdpa_wanted wanted = {
        .name = name,
        .mgmtdev = maker,
        .mac = recipe->mac[0] && !(without & WITHOUT_MAC) ? recipe->mac : NULL,
        .max_vqp = without & WITHOUT_MAX_VQP ? 0 : recipe->vdpa.max_vqp,
        .mtu = without & WITHOUT_MTU ? 0 : recipe->vdpa.mtu,
    };

    return vfa_vdpa_add(make->sysfs, &wanted, MAKE_MS, err);
}

static void name_settings(unsigned without, char *ret, size_t size)
{
    static const struct {
        unsigned setting;
        const char *name;
    } names[] = {{WITHOUT_MAC, "mac"}, {WITHOUT_MTU, "mtu"}, {WITHOUT_MAX_VQP, "max_vqp"}};
    size_t n = 0;

    *ret = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(names) && n < size; i++) {
        if (without & names[i].setting)
            n += (size_t)snprintf(ret + n, size - n, "%s%s", n ? ", " : "", names[i].name);
    }
}

static void warn_of_settings(const struct vfa_make *make, const char *name, const char *maker,
                             unsigned without)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    char names[32];

    if (!without || !make->warn)
        return;
    name_settings(without, names, sizeof(names));
    vfa_fail(&why, EOPNOTSUPP,
             "vDPA device '%s' is made without %s: the driver of '%s' does not support it", name,
             names, maker);
    make->warn(make->data, &why);
}

/* The kernel does not always tell which setting the driver does not support, so this tries: first
 * with all, last with none. The kernel refuses settings before it asks the driver. */
static int add_vdpa(const struct vfa_make *make, const char *name, const char *maker,
                    struct vfa_error *err)
{
    static const unsigned order[] = {
        0,
        WITHOUT_MAC,
        WITHOUT_MTU,
        WITHOUT_MAX_VQP,
        WITHOUT_MAC | WITHOUT_MTU,
        WITHOUT_MAC | WITHOUT_MAX_VQP,
        WITHOUT_MTU | WITHOUT_MAX_VQP,
        WITHOUT_MAC | WITHOUT_MTU | WITHOUT_MAX_VQP,
    };
    bool best_effort = make->recipe->policy == VFA_SETTINGS_BEST_EFFORT;
    unsigned may = settings_of(make->recipe) & (best_effort ? ~0u : WITHOUT_MAC);
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = -EOPNOTSUPP;

    for (size_t i = 0; r == -EOPNOTSUPP && i < ARRAY_SIZE(order); i++) {
        if (order[i] & ~may)
            continue;
        vfa_error_clear(&why);
        r = add_vdpa_without(make, name, maker, order[i], &why);
        if (r == 0)
            warn_of_settings(make, name, maker, order[i]);
    }
    if (why.code)
        (void)vfa_error_move(err, &why);
    return r;
}

/* ---- vDPA: its node ---- */

static int vdpa_exists(const struct vfa_sysfs *sysfs, const char *name, struct vfa_error *err)
{
    struct vfa_vdpa_node node;

    return vfa_vdpa_node(sysfs, name, &node, err);
}

static int vdpa_maker(const struct vfa_sysfs *sysfs, const char *name, char *ret,
                      struct vfa_error *err)
{
    struct vfa_vdpa_device device;
    int r = vfa_vdpa_read(sysfs, name, DESTROY_MS, &device, err);

    if (r == 0)
        snprintf(ret, VFA_DEVICE_ID_SIZE, "%s", device.mgmtdev);
    return r;
}

static char *target_of(const struct vfa_make *make, const char *node, char buf[PATH_MAX])
{
    snprintf(buf, PATH_MAX, "%s/%s", make->nodes, node);
    return buf;
}

static int finish_vdpa(const struct vfa_make *make, const char *name, struct vfa_error *err)
{
    struct vfa_vdpa_node node;
    char target[PATH_MAX];
    int r = vfa_vdpa_bind(make->sysfs, name, MAKE_MS, &node, err);

    if (r != 0 || !make->recipe->link)
        return r;
    r = make->check_link ? make->check_link(make->data, err) : 0;
    if (r == 0)
        r = vfa_node_link_make(make->folder, make->recipe->link, target_of(make, node.node, target),
                               err);
    if (r == 0 && make->ret_node)
        strcpy(make->ret_node, node.node);
    return r;
}

static int remove_vdpa_link(const struct vfa_make *make, const char *name, struct vfa_error *err)
{
    struct vfa_vdpa_node now = {.node = ""};
    const char *node = make->recipe->node;
    char target[PATH_MAX];
    int r = vfa_vdpa_node(make->sysfs, name, &now, err);

    if (now.node[0])
        node = now.node;
    if (r < 0 || !make->recipe->link)
        return r < 0 ? r : 0;
    return vfa_node_link_remove(make->folder, make->recipe->link,
                                *node ? target_of(make, node, target) : NULL, err);
}

/* sysfs does not have the device. Whether the kernel is still about to make it. */
static int check_vdpa_gone(const struct vfa_make *make, const char *name, struct vfa_error *err)
{
    struct vfa_vdpa_device device;
    int r = vfa_vdpa_read(make->sysfs, name, DESTROY_MS, &device, err);

    if (r == 0)
        return vfa_fail(err, EAGAIN, "vDPA device '%s' is only being made", name);
    return r;
}

static int destroy_vdpa(const struct vfa_make *make, const char *name, struct vfa_error *err)
{
    int r = remove_vdpa_link(make, name, err);

    if (r == 0)
        r = vfa_vdpa_delete(make->sysfs, name, DESTROY_MS, err);
    return r == VFA_MAKER_GONE ? check_vdpa_gone(make, name, err) : r;
}

/* ---- mediated devices ---- */

static int mdev_exists(const struct vfa_sysfs *sysfs, const char *name, struct vfa_error *err)
{
    struct vfa_mdev mdev;

    return vfa_mdev_read(sysfs, name, &mdev, err);
}

static int mdev_maker(const struct vfa_sysfs *sysfs, const char *name, char *ret,
                      struct vfa_error *err)
{
    struct vfa_mdev mdev;
    int r = vfa_mdev_read(sysfs, name, &mdev, err);

    if (r == 0 &&
        snprintf(ret, VFA_DEVICE_ID_SIZE, "%s/%s", mdev.parent, mdev.type) >= VFA_DEVICE_ID_SIZE)
        return VFA_MAKER_GONE; /* such a maker cannot have made it */
    return r;
}

static int add_mdev(const struct vfa_make *make, const char *name, const char *maker,
                    struct vfa_error *err)
{
    const char *type = strchr(maker, '/');
    char parent[VFA_DEVICE_ID_SIZE];

    if (!type)
        return VFA_MAKER_GONE;
    snprintf(parent, sizeof(parent), "%.*s", (int)(type - maker), maker);
    return vfa_mdev_create(make->sysfs, parent, type + 1, name, MAKE_MS, err);
}

static int finish_mdev(const struct vfa_make *make, const char *name, struct vfa_error *err)
{
    return 0;
}

static int destroy_mdev(const struct vfa_make *make, const char *name, struct vfa_error *err)
{
    return vfa_mdev_remove(make->sysfs, name, DESTROY_MS, err);
}

/* ---- the kinds ---- */

static const struct made_kind made_kinds[] = {
    {VFA_KIND_VDPA, "mgmtdev:", vdpa_exists, vdpa_maker, add_vdpa, finish_vdpa, destroy_vdpa},
    {VFA_KIND_MDEV, "mdev-type:", mdev_exists, mdev_maker, add_mdev, finish_mdev, destroy_mdev},
};

/* The row of a device, and its name; NULL: its kind cannot be made. */
static const struct made_kind *find_made_kind(const char *device, const char **ret_name)
{
    const char *colon = strchr(device, ':');
    size_t len = colon ? (size_t)(colon - device) : 0;

    for (size_t i = 0; colon && i < ARRAY_SIZE(made_kinds); i++) {
        *ret_name = colon + 1;
        if (strncmp(made_kinds[i].name, device, len) == 0 && made_kinds[i].name[len] == '\0')
            return &made_kinds[i];
    }
    return NULL;
}

int vfa_make_find_maker(const struct vfa_sysfs *sysfs, const char *device,
                        char ret[VFA_DEVICE_ID_SIZE], struct vfa_error *err)
{
    const char *name;
    const struct made_kind *kind = find_made_kind(device, &name);
    char maker[VFA_DEVICE_ID_SIZE];
    int r = kind ? kind->maker(sysfs, name, maker, err) : VFA_MAKER_GONE;

    if (r != 0)
        return r < 0 ? r : VFA_SYSFS_GONE;
    return snprintf(ret, VFA_DEVICE_ID_SIZE, "%s%s", kind->prefix, maker) < VFA_DEVICE_ID_SIZE
               ? 0
               : VFA_SYSFS_GONE;
}

bool vfa_made_is_complete(const struct vfa_make *make)
{
    const char *name;
    const struct made_kind *kind = find_made_kind(make->device, &name);
    struct vfa_vdpa_node node;
    char target[PATH_MAX];

    if (!kind || kind->exists(make->sysfs, name, NULL) != 0)
        return false;
    if (!make->recipe->link)
        return true;
    return vfa_vdpa_node(make->sysfs, name, &node, NULL) == 0 && node.node[0] &&
           vfa_node_link_leads_to(make->folder, make->recipe->link,
                                  target_of(make, node.node, target));
}

/* ---- destroying ---- */

static bool is_temporary_code(int r)
{
    return r == -ETIMEDOUT || r == -ENOMEM || r == -EAGAIN || r == -EBUSY || r == -EINTR;
}

/* Values of maker.h become those of provisioner.h. */
static int judge_destroyed(const struct vfa_make *make, int r, struct vfa_error *err)
{
    if (r == VFA_MAKER_ABSENT && !vfa_sysfs_is_host(make->sysfs))
        return vfa_refuse(err, EPERM, "cannot destroy %s: its sysfs is not this host's",
                          make->device);
    if (r == VFA_MAKER_OPEN)
        return VFA_VF_NOT_NOW;
    if (r < 0)
        return is_temporary_code(r) ? VFA_VF_NOT_NOW : VFA_VF_REFUSED;
    return 0;
}

int vfa_destroy_device(const struct vfa_make *make, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    const char *name;
    const struct made_kind *kind = find_made_kind(make->device, &name);
    int r;

    if (!kind)
        return vfa_refuse(err, EINVAL, "cannot destroy %s: devices of its kind are never made",
                          make->device);
    r = judge_destroyed(make, kind->destroy(make, name, &why), &why);
    if (r != 0)
        (void)vfa_error_move(err, &why);
    return r;
}

/* ---- making ---- */

/* Values of maker.h become those of provisioner.h. *err is filled, but for VFA_MAKER_GONE and
 * _ABSENT. */
static int judge_made(const struct vfa_make *make, int r, struct vfa_error *err)
{
    switch (r) {
    case VFA_MAKER_FULL:
        return VFA_VF_FULL;
    case VFA_MAKER_EXISTS:
        return VFA_VF_REFUSED;
    case VFA_MAKER_GONE:
        return vfa_refuse(err, ENODEV, "cannot make %s: its maker %s is gone", make->device,
                          make->recipe->maker);
    case VFA_MAKER_ABSENT:
        return vfa_refuse(err, ENODEV, "cannot make %s: the kernel module for it is not loaded",
                          make->device);
    default:
        return r < 0 && !is_temporary_code(r) ? VFA_VF_REFUSED : r;
    }
}

/* A device of this name is left over: its settings are not known. */
static int destroy_left_over(const struct vfa_make *make, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_destroy_device(make, &why);

    if (r != 0)
        vfa_fail(err, why.code, "cannot make %s: it exists already, and cannot be destroyed: %s",
                 make->device, vfa_error_text(&why));
    return r;
}

static int add_device(const struct vfa_make *make, const struct made_kind *kind, const char *name,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    const char *maker = make->recipe->maker + strlen(kind->prefix);
    int r = kind->add(make, name, maker, &why);

    if (r != VFA_MAKER_EXISTS) {
        r = judge_made(make, r, &why);
    } else {
        vfa_error_clear(&why);
        r = destroy_left_over(make, &why);
        if (r == 0)
            r = judge_made(make, kind->add(make, name, maker, &why), &why);
    }
    if (r != 0)
        (void)vfa_error_move(err, &why);
    return r;
}

int vfa_make_device(const struct vfa_make *make, struct vfa_error *err)
{
    const char *name;
    const struct made_kind *kind = find_made_kind(make->device, &name);
    int r;

    if (!kind || strncmp(make->recipe->maker, kind->prefix, strlen(kind->prefix)) != 0)
        return vfa_refuse(err, EINVAL, "cannot make %s: %s makes no such devices", make->device,
                          make->recipe->maker);
    r = add_device(make, kind, name, err);
    return r == 0 ? judge_made(make, kind->finish(make, name, err), err) : r;
}
