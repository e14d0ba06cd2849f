/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See vdpa.h. The child appends one struct for each device to its reply; parent and child are the
 * same program, so both have the same layout. A device with a name that vfa_maker_name_ok() does
 * not allow is left out.
 *
 * The numbers are this file's own: Debian 12's header has another meaning for 21 and lacks command
 * 8. Linux never changes a number that was released.
 */

#include "vdpa.h"

#include "base/common.h"
#include "base/error.h"
#include "base/io.h"
#include "base/mac.h"
#include "base/pci-address.h"
#include "child.h"
#include "genl.h"
#include "maker.h"
#include "sysfs.h"
#include "vdpa-private.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#define BUS_DIR        "bus/vdpa"
#define WHAT_SIZE      (64 + 2 * VFA_MAKER_NAME_SIZE)
#define MAC_OCTETS     6
#define FAMILY_VERSION 1
#define HANDLE_SEP     '/'

enum { MGMTDEV_GET = 2, DEV_NEW = 3, DEV_DEL = 4, DEV_GET = 5 };

enum {
    MGMTDEV_BUS_NAME = 1,
    MGMTDEV_DEV_NAME = 2,
    MGMTDEV_CLASSES = 3,
    DEV_NAME = 4,
    DEV_ID = 5,
    DEV_MAX_VQS = 7,
    DEV_MAC = 10,
    DEV_MAX_VQP = 12,
    DEV_MTU = 13,
    MGMTDEV_MAX_VQS = 15,
    MGMTDEV_FEATURES = 16,
    DEV_FEATURES = 20,
    LAST_ATTR = DEV_FEATURES,
};

static const struct nla_policy policy[LAST_ATTR + 1] = {
    [MGMTDEV_BUS_NAME] = {.type = NLA_STRING},
    [MGMTDEV_DEV_NAME] = {.type = NLA_STRING},
    [MGMTDEV_CLASSES] = {.type = NLA_U64},
    [DEV_NAME] = {.type = NLA_STRING},
    [DEV_ID] = {.type = NLA_U32},
    [DEV_MAX_VQS] = {.type = NLA_U32},
    [MGMTDEV_MAX_VQS] = {.type = NLA_U32},
    [MGMTDEV_FEATURES] = {.type = NLA_U64},
};

/* ---- one request, in a child ---- */

struct vdpa_request {
    uint8_t command;
    bool dump;
    int (*put)(struct nl_msg *msg, const void *arg);
    const void *arg;
    int (*take)(struct nlattr **attrs, void *data); /* appends a struct to a struct vfa_io_data */
    const char *what;
    unsigned settings; /* of DEV_NEW: bit N, attribute N is in the request */

    struct vfa_genl *genl;
};

/* Appends the names of the settings that the kernel's mask has: "...: 0x400" (kernel 6.12), or
 * those of the request if there is no mask (kernel 6.1). */
static void name_settings(const struct vdpa_request *request, const char *text, char *ret,
                          size_t size)
{
    static const struct {
        unsigned attr;
        const char *name;
    } names[] = {
        {DEV_MAC, "mac"}, {DEV_MAX_VQP, "max_vqp"}, {DEV_MTU, "mtu"}, {DEV_FEATURES, "features"}};
    const char *mask = strstr(text, ": 0x");
    unsigned long refused = mask ? strtoul(mask + 2, NULL, 16) : 0;
    size_t n = 0;

    *ret = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(names) && n < size; i++) {
        if ((refused ? refused : request->settings) & 1ul << names[i].attr)
            n += (size_t)snprintf(ret + n, size - n, "%s%s", n ? ", " : "", names[i].name);
    }
}

static int refused_settings(const struct vdpa_request *request, const struct vfa_genl_call *call,
                            struct vfa_error *err)
{
    char names[64];

    name_settings(request, call->text, names, sizeof(names));
    return vfa_fail(err, EOPNOTSUPP, "cannot %s: the driver does not support the settings: %s",
                    request->what, names);
}

/* Turns a refusal into a result. */
static int refused_request(const struct vdpa_request *request, const struct vfa_genl_call *call,
                           struct vfa_error *err)
{
    int code = call->refusal;

    if (code == ENODEV)
        return VFA_MAKER_GONE;
    if (request->command == DEV_NEW && code == EEXIST)
        return vfa_maker_refuse(VFA_MAKER_EXISTS, err, code,
                                "cannot %s: a device with this name exists", request->what);
    if (request->command == DEV_NEW && code == ENOSPC)
        return vfa_maker_refuse(VFA_MAKER_FULL, err, code,
                                "cannot %s: the management device can make no more devices",
                                request->what);
    if (code == EOPNOTSUPP && strstr(call->text, "attributes are not supported"))
        return refused_settings(request, call, err);
    if (call->text[0])
        return vfa_fail(err, code, "cannot %s: %s (%s)", request->what, strerror(code), call->text);
    return vfa_fail(err, code, "cannot %s: %s", request->what, strerror(code));
}

static int run_request(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    const struct vdpa_request *request = arg;
    struct vfa_genl_call call = {.family = "vdpa",
                                 .version = FAMILY_VERSION,
                                 .command = request->command,
                                 .dump = request->dump,
                                 .put = request->put,
                                 .put_arg = request->arg,
                                 .take = request->take,
                                 .take_arg = ret,
                                 .max_attr = LAST_ATTR,
                                 .policy = policy};
    int r = vfa_genl_request(request->genl, &call, request->what, err);

    if (r == VFA_GENL_ABSENT)
        return VFA_MAKER_ABSENT;
    return r == 0 && call.refusal ? refused_request(request, &call, err) : r;
}

/* A family that the kernel does not have would make it load a module, at each look-up. */
static bool has_vdpa(const struct vfa_sysfs *sysfs)
{
    return faccessat(sysfs->rootfd, BUS_DIR, F_OK, 0) == 0 && vfa_sysfs_is_host(sysfs);
}

/* Makes a request. If it returns 0, free *ret (may be NULL) with vfa_io_data_clear(). */
static int make_request(const struct vfa_sysfs *sysfs, struct vdpa_request *request,
                        unsigned limit_ms, struct vfa_io_data *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_genl_closep) struct vfa_genl *genl = NULL;
    int r = has_vdpa(sysfs) ? vfa_genl_open(&genl, err) : VFA_MAKER_ABSENT;

    if (r)
        return r;
    request->genl = genl;
    return vfa_child_run(&(struct vfa_child){.run = run_request,
                                             .arg = request,
                                             .what = request->what,
                                             .limit_ms = limit_ms,
                                             .keep = {vfa_genl_fd(genl), -1}},
                         ret, err);
}

/* Makes a request for one struct of `size` bytes. */
static int request_one(const struct vfa_sysfs *sysfs, struct vdpa_request *request,
                       unsigned limit_ms, size_t size, void *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_io_data_clear) struct vfa_io_data data = {NULL, 0};
    int r = make_request(sysfs, request, limit_ms, &data, err);

    if (r)
        return r;
    if (data.len != size) /* its name is not allowed */
        return VFA_MAKER_GONE;
    memcpy(ret, data.data, size);
    return 0;
}

/* ---- names of management devices: BUS/NAME, or NAME ---- */

static bool is_handle(const char *handle)
{
    const char *sep = strchr(handle, HANDLE_SEP);
    char bus[VFA_MAKER_NAME_SIZE];

    if (!sep)
        return vfa_maker_name_ok(handle);
    snprintf(bus, sizeof(bus), "%.*s", (int)(sep - handle), handle);
    return strlen(handle) < VFA_MAKER_NAME_SIZE && vfa_maker_name_ok(bus) &&
           vfa_maker_name_ok(sep + 1);
}

static int put_handle(struct nl_msg *msg, const void *arg)
{
    const char *handle = arg, *sep = strchr(handle, HANDLE_SEP);
    char bus[VFA_MAKER_NAME_SIZE];
    int r = 0;

    if (sep) {
        snprintf(bus, sizeof(bus), "%.*s", (int)(sep - handle), handle);
        r = nla_put_string(msg, MGMTDEV_BUS_NAME, bus);
    }
    return r < 0 ? r : nla_put_string(msg, MGMTDEV_DEV_NAME, sep ? sep + 1 : handle);
}

/* Returns false if the name is missing or not allowed. */
static bool take_handle(struct nlattr **attrs, char ret[VFA_MAKER_NAME_SIZE])
{
    const char *bus = attrs[MGMTDEV_BUS_NAME] ? nla_get_string(attrs[MGMTDEV_BUS_NAME]) : "";
    int n;

    if (!attrs[MGMTDEV_DEV_NAME])
        return false;
    n = snprintf(ret, VFA_MAKER_NAME_SIZE, "%s%s%s", bus, *bus ? "/" : "",
                 nla_get_string(attrs[MGMTDEV_DEV_NAME]));
    return n < VFA_MAKER_NAME_SIZE && is_handle(ret);
}

int vfa_vdpa_mgmtdev_function(const struct vfa_sysfs *sysfs, const char *name,
                              struct vfa_pci_addr *ret)
{
    const char *sep = strchr(name, HANDLE_SEP);
    char link[VFA_MAKER_NAME_SIZE + sizeof("bus//devices/")];

    if (!sep || !is_handle(name))
        return VFA_SYSFS_GONE;
    snprintf(link, sizeof(link), "bus/%.*s/devices/%s", (int)(sep - name), name, sep + 1);
    return vfa_maker_function(sysfs, link, ret);
}

/* ---- management devices ---- */

static uint32_t get_u32(const struct nlattr *attr)
{
    return attr ? nla_get_u32(attr) : 0;
}

static uint64_t get_u64(const struct nlattr *attr)
{
    return attr ? nla_get_u64(attr) : 0;
}

static int take_mgmtdev(struct nlattr **attrs, void *data)
{
    struct vfa_vdpa_mgmtdev mgmtdev;

    memset(&mgmtdev, 0, sizeof(mgmtdev));
    if (!take_handle(attrs, mgmtdev.name))
        return 0;
    mgmtdev.classes = get_u64(attrs[MGMTDEV_CLASSES]);
    mgmtdev.features = get_u64(attrs[MGMTDEV_FEATURES]);
    mgmtdev.max_vqs = get_u32(attrs[MGMTDEV_MAX_VQS]);
    return vfa_child_append(data, &mgmtdev, sizeof(mgmtdev));
}

int vfa_vdpa_mgmtdevs(const struct vfa_sysfs *sysfs, unsigned limit_ms,
                      struct vfa_vdpa_mgmtdevs *ret, struct vfa_error *err)
{
    struct vdpa_request request = {.command = MGMTDEV_GET,
                                   .dump = true,
                                   .take = take_mgmtdev,
                                   .what = "list vDPA management devices"};
    struct vfa_io_data data = {NULL, 0};
    int r = make_request(sysfs, &request, limit_ms, &data, err);

    if (r)
        return r;
    ret->items = (void *)data.data;
    ret->n = data.len / sizeof(*ret->items);
    return 0;
}

void vfa_vdpa_mgmtdevs_clear(struct vfa_vdpa_mgmtdevs *mgmtdevs)
{
    free(mgmtdevs->items);
    *mgmtdevs = (struct vfa_vdpa_mgmtdevs){NULL, 0};
}

int vfa_vdpa_read_mgmtdev(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                          struct vfa_vdpa_mgmtdev *ret, struct vfa_error *err)
{
    char what[WHAT_SIZE];
    struct vdpa_request request = {
        .command = MGMTDEV_GET, .put = put_handle, .arg = name, .take = take_mgmtdev, .what = what};

    if (!is_handle(name))
        return VFA_MAKER_GONE;
    snprintf(what, sizeof(what), "read vDPA management device '%s'", name);
    return request_one(sysfs, &request, limit_ms, sizeof(*ret), ret, err);
}

/* ---- devices ---- */

static int put_device_name(struct nl_msg *msg, const void *name)
{
    return nla_put_string(msg, DEV_NAME, name);
}

static int take_device(struct nlattr **attrs, void *data)
{
    const char *name = attrs[DEV_NAME] ? nla_get_string(attrs[DEV_NAME]) : "";
    struct vfa_vdpa_device device;

    memset(&device, 0, sizeof(device));
    if (!vfa_maker_name_ok(name) || !take_handle(attrs, device.mgmtdev))
        return 0;
    strcpy(device.name, name);
    device.id = get_u32(attrs[DEV_ID]);
    device.max_vqs = get_u32(attrs[DEV_MAX_VQS]);
    return vfa_child_append(data, &device, sizeof(device));
}

int vfa_vdpa_devices(const struct vfa_sysfs *sysfs, unsigned limit_ms, struct vfa_vdpa_devices *ret,
                     struct vfa_error *err)
{
    struct vdpa_request request = {
        .command = DEV_GET, .dump = true, .take = take_device, .what = "list vDPA devices"};
    struct vfa_io_data data = {NULL, 0};
    int r = make_request(sysfs, &request, limit_ms, &data, err);

    if (r)
        return r;
    ret->items = (void *)data.data;
    ret->n = data.len / sizeof(*ret->items);
    return 0;
}

void vfa_vdpa_devices_clear(struct vfa_vdpa_devices *devices)
{
    free(devices->items);
    *devices = (struct vfa_vdpa_devices){NULL, 0};
}

int vfa_vdpa_read(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                  struct vfa_vdpa_device *ret, struct vfa_error *err)
{
    char what[WHAT_SIZE];
    struct vdpa_request request = {
        .command = DEV_GET, .put = put_device_name, .arg = name, .take = take_device, .what = what};

    if (!vfa_maker_name_ok(name))
        return VFA_MAKER_GONE;
    snprintf(what, sizeof(what), "read vDPA device '%s'", name);
    return request_one(sysfs, &request, limit_ms, sizeof(*ret), ret, err);
}

/* ---- making and deleting ---- */

static int put_mac(struct nl_msg *msg, const char *mac)
{
    unsigned char octets[MAC_OCTETS];

    for (size_t i = 0; i < MAC_OCTETS; i++)
        octets[i] = (unsigned char)strtoul(mac + 3 * i, NULL, 16);
    return nla_put(msg, DEV_MAC, sizeof(octets), octets);
}

static int put_wanted(struct nl_msg *msg, const void *arg)
{
    const struct vfa_vdpa_wanted *wanted = arg;
    int r = put_handle(msg, wanted->mgmtdev);

    if (r >= 0)
        r = nla_put_string(msg, DEV_NAME, wanted->name);
    if (r >= 0 && wanted->mac)
        r = put_mac(msg, wanted->mac);
    if (r >= 0 && wanted->max_vqp)
        r = nla_put_u16(msg, DEV_MAX_VQP, wanted->max_vqp);
    if (r >= 0 && wanted->mtu)
        r = nla_put_u16(msg, DEV_MTU, wanted->mtu);
    if (r >= 0 && wanted->has_features)
        r = nla_put_u64(msg, DEV_FEATURES, wanted->features);
    return r;
}

static unsigned settings_of(const struct vfa_vdpa_wanted *wanted)
{
    return (wanted->mac ? 1u << DEV_MAC : 0) | (wanted->max_vqp ? 1u << DEV_MAX_VQP : 0) |
           (wanted->mtu ? 1u << DEV_MTU : 0) | (wanted->has_features ? 1u << DEV_FEATURES : 0);
}

int vfa_vdpa_add(const struct vfa_sysfs *sysfs, const struct vfa_vdpa_wanted *wanted,
                 unsigned limit_ms, struct vfa_error *err)
{
    struct vfa_vdpa_wanted checked = *wanted;
    char what[WHAT_SIZE], mac[VFA_MAC_SIZE];
    struct vdpa_request request = {.command = DEV_NEW,
                                   .put = put_wanted,
                                   .arg = &checked,
                                   .what = what,
                                   .settings = settings_of(wanted)};

    if (!vfa_maker_name_ok(wanted->name))
        return vfa_fail(err, EINVAL, "cannot make vDPA device '%s': not a valid name",
                        wanted->name);
    if (!is_handle(wanted->mgmtdev))
        return VFA_MAKER_GONE;
    if (wanted->mac && vfa_mac_parse(wanted->mac, mac, err) < 0)
        return -EINVAL;
    checked.mac = wanted->mac ? mac : NULL;
    snprintf(what, sizeof(what), "make vDPA device '%s' on '%s'", wanted->name, wanted->mgmtdev);
    return make_request(sysfs, &request, limit_ms, NULL, err);
}

int vfa_vdpa_delete_unbound(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                            struct vfa_error *err)
{
    char what[WHAT_SIZE];
    struct vdpa_request request = {
        .command = DEV_DEL, .put = put_device_name, .arg = name, .what = what};

    snprintf(what, sizeof(what), "delete vDPA device '%s'", name);
    return make_request(sysfs, &request, limit_ms, NULL, err);
}
