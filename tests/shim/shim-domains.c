/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See shim.h: queries and changes of a domain, and the state file. */
#include "shim.h"

struct device {
    struct device *next;
    char uuid[VIR_UUID_STRING_BUFLEN];
    char *xml;
};

static struct device *devices; /* attached devices of all domains */

/* ---- domains: calls that are passed on ---- */

virDomainPtr virDomainLookupByUUIDString(virConnectPtr conn, const char *uuid)
{
    virDomainPtr domain = REAL(virDomainLookupByUUIDString)(conn, uuid);
    struct rule rule;

    if (!domain) { /* keeps libvirt's error */
        shim_note("virDomainLookupByUUIDString", "-", uuid);
        return NULL;
    }
    if (shim_begin("virDomainLookupByUUIDString", domain, &rule))
        return domain;
    virDomainFree(domain); /* resets the error */
    shim_fail((int)rule.args[0]);
    return NULL;
}

#define HANDED_ON(name)                                                                            \
    int name(virDomainPtr domain)                                                                  \
    {                                                                                              \
        return shim_begin(#name, domain, NULL) ? REAL(name)(domain) : -1;                          \
    }

HANDED_ON(virDomainIsActive)
HANDED_ON(virDomainIsPersistent)
HANDED_ON(virDomainSuspend)
HANDED_ON(virDomainResume)

virDomainPtr virDomainDefineXML(virConnectPtr conn, const char *xml)
{
    return shim_begin("virDomainDefineXML", NULL, NULL) ? REAL(virDomainDefineXML)(conn, xml)
                                                        : NULL;
}

char *virDomainGetMetadata(virDomainPtr domain, int type, const char *uri, unsigned flags)
{
    if (!shim_begin("virDomainGetMetadata", domain, NULL))
        return NULL;
    return REAL(virDomainGetMetadata)(domain, type, uri, flags);
}

int virDomainGetState(virDomainPtr domain, int *state, int *reason, unsigned flags)
{
    struct rule rule;

    if (!shim_begin("virDomainGetState", domain, &rule) ||
        REAL(virDomainGetState)(domain, state, reason, flags) < 0)
        return -1;
    if (shim_says(&rule)) {
        *state = (int)rule.args[0];
        *reason = (int)rule.args[1];
    }
    return 0;
}

/* ---- jobs, which the test driver does not have ---- */

int virDomainGetJobInfo(virDomainPtr domain, virDomainJobInfoPtr ret)
{
    struct rule rule;

    if (!shim_begin("virDomainGetJobInfo", domain, &rule))
        return -1;
    memset(ret, 0, sizeof(*ret));
    ret->type = shim_says(&rule) ? (int)rule.args[0] : VIR_DOMAIN_JOB_NONE;
    return 0;
}

int virDomainGetJobStats(virDomainPtr domain, int *type, virTypedParameterPtr *params, int *n,
                         unsigned flags)
{
    int room = 0;
    struct rule rule;

    if (!shim_begin("virDomainGetJobStats", domain, &rule))
        return -1;
    *type = shim_says(&rule) ? (int)rule.args[0] : VIR_DOMAIN_JOB_NONE;
    *params = NULL;
    *n = 0;
    if (*type == VIR_DOMAIN_JOB_NONE)
        return 0;
    return virTypedParamsAddInt(params, n, &room, VIR_DOMAIN_JOB_OPERATION, (int)rule.args[1]);
}

int virDomainGetControlInfo(virDomainPtr domain, virDomainControlInfoPtr ret, unsigned flags)
{
    struct rule rule;

    if (!shim_begin("virDomainGetControlInfo", domain, &rule))
        return -1;
    memset(ret, 0, sizeof(*ret));
    if (shim_says(&rule)) {
        ret->state = (unsigned)rule.args[0];
        ret->stateTime = (unsigned long long)rule.args[1];
    }
    return 0;
}

/* ---- devices, which the test driver cannot attach ---- */

static void uuid_of(virDomainPtr domain, char *uuid)
{
    if (virDomainGetUUIDString(domain, uuid) < 0)
        abort();
}

/* The alias in the XML of a device; "-" if it has none. */
static void alias_of(const char *xml, char alias[SHIM_NAME_SIZE])
{
    const char *at = strstr(xml, "<alias name=");

    if (!at || sscanf(at, "<alias name=%*1['\"]%63[^'\"]", alias) != 1)
        strcpy(alias, "-");
}

void shim_add_device(virDomainPtr domain, const char *xml)
{
    struct device *device = calloc(1, sizeof(*device));

    if (!device || !(device->xml = strdup(xml)))
        abort();
    uuid_of(domain, device->uuid);
    pthread_mutex_lock(&shim_lock);
    device->next = devices;
    devices = device;
    pthread_mutex_unlock(&shim_lock);
}

int virDomainAttachDeviceFlags(virDomainPtr domain, const char *xml, unsigned flags)
{
    char alias[SHIM_NAME_SIZE];

    if (!shim_begin("virDomainAttachDeviceFlags", domain, NULL))
        return -1;
    shim_add_device(domain, xml);
    alias_of(xml, alias);
    shim_note("attached", virDomainGetName(domain), alias);
    shim_send_device(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, domain, alias);
    return 0;
}

/* Drops all devices of a domain, or (alias not NULL) one of them. */
static void drop_devices(const char *uuid, const char *alias)
{
    char its[SHIM_NAME_SIZE];

    pthread_mutex_lock(&shim_lock);
    for (struct device **link = &devices; *link;) {
        struct device *device = *link;

        alias_of(device->xml, its);
        if (strcmp(device->uuid, uuid) == 0 && (!alias || strcmp(its, alias) == 0)) {
            *link = device->next;
            free(device->xml);
            free(device);
        } else {
            link = &device->next;
        }
    }
    pthread_mutex_unlock(&shim_lock);
}

int virDomainDetachDeviceAlias(virDomainPtr domain, const char *alias, unsigned flags)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    struct rule rule;

    if (!shim_begin("virDomainDetachDeviceAlias", domain, &rule))
        return -1;
    if (shim_says(&rule))
        return 0;
    uuid_of(domain, uuid);
    drop_devices(uuid, alias);
    shim_note("detached", virDomainGetName(domain), alias);
    shim_send_device(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, domain, alias);
    return 0;
}

int shim_destroy(virDomainPtr domain)
{
    char uuid[VIR_UUID_STRING_BUFLEN];

    uuid_of(domain, uuid);
    drop_devices(uuid, NULL);
    return REAL(virDomainDestroy)(domain);
}

int virDomainDestroy(virDomainPtr domain)
{
    return shim_begin("virDomainDestroy", domain, NULL) ? shim_destroy(domain) : -1;
}

static char *insert(char *xml, const char *device)
{
    char *end = strstr(xml, "</devices>");
    char *longer;

    if (!end || asprintf(&longer, "%.*s%s%s", (int)(end - xml), xml, device, end) < 0)
        abort();
    free(xml);
    return longer;
}

char *virDomainGetXMLDesc(virDomainPtr domain, unsigned flags)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    char *xml;

    if (!shim_begin("virDomainGetXMLDesc", domain, NULL))
        return NULL;
    xml = REAL(virDomainGetXMLDesc)(domain, flags);
    if (!xml || flags & VIR_DOMAIN_XML_INACTIVE)
        return xml;
    uuid_of(domain, uuid);
    pthread_mutex_lock(&shim_lock);
    for (const struct device *device = devices; device; device = device->next) {
        if (strcmp(device->uuid, uuid) == 0)
            xml = insert(xml, device->xml);
    }
    pthread_mutex_unlock(&shim_lock);
    return xml;
}

/* ---- the state file ---- */

struct sqlite3;
int sqlite3_open_v2(const char *path, struct sqlite3 **ret, int flags, const char *vfs);

int sqlite3_open_v2(const char *path, struct sqlite3 **ret, int flags, const char *vfs)
{
    shim_note("sqlite3_open_v2", "-", path);
    return REAL(sqlite3_open_v2)(path, ret, flags, vfs);
}
