/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfa_gc_made() of gc.h. The kernel's devices are read first, then the domains. A domain that is
 * defined and started meanwhile has a claim before its device is made, and the claims are read last.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/vdpa-node.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "host/host.h"
#include "claim/unowned.h"
#include "gc.h"
#include "virt-error.h"

#include <errno.h>
#include <string.h>

/* A domain that is gone, or whose XML cannot be read, is passed over: its devices are reported. */
static int destroy_of_domain(struct vfa_host *host, struct vfa_unowned *list, virDomainPtr handle,
                             unsigned flags, size_t *n, struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *xml = virDomainGetXMLDesc(handle, flags);

    if (!xml || vfa_domxml_parse(xml, strlen(xml), &domain, NULL) < 0)
        return 0;
    return vfa_unowned_destroy(host, list, domain, n, err);
}

/* The definition and, if it runs, the live XML: their requests may differ. */
static int destroy_of_all(virConnectPtr conn, struct vfa_host *host, struct vfa_unowned *list,
                          size_t *n, struct vfa_error *err)
{
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains(conn, &domains, 0), r = 0;

    if (count < 0)
        return vfa_virt_fail(err, "cannot list the domains");
    for (int i = 0; i < count; i++) {
        if (r == 0)
            r = destroy_of_domain(host, list, domains[i], 0, n, err);
        if (r == 0)
            r = destroy_of_domain(host, list, domains[i], VIR_DOMAIN_XML_INACTIVE, n, err);
        virDomainFree(domains[i]);
    }
    free(domains);
    return r;
}

/* vdpa dev del of an open device does not return until it is closed, and neither does any other
 * request for vDPA. Whether it is open is for the user to check: it may change. */
static void report_unowned(const struct vfa_host *host, const struct vfa_unowned_device *device)
{
    const char *name = strchr(device->device, ':') + 1;
    struct vfa_vdpa_node node = {.node = ""};
    VFA_AUTO(vfa_freep) char *text = NULL;

    if (!host->warn || !vfa_unowned_is_reported(device))
        return;
    if (vfa_vdpa_node(&host->sysfs, name, &node, NULL) != 0 || !*node.node)
        snprintf(node.node, sizeof(node.node), "vhost-vdpa-*");
    if (asprintf(&text,
                 "%s belongs to no domain that libvirt knows: if vfalias has made it, and 'fuser "
                 "/dev/%s' shows no program that has it open, destroy it with 'vdpa dev del %s'",
                 device->device, node.node, name) < 0)
        text = NULL;
    else
        host->warn(text);
}

int vfa_gc_made(virConnectPtr conn, struct vfa_host *host, size_t *ret_n, struct vfa_error *err)
{
    VFA_AUTO(vfa_unowned_clear) struct vfa_unowned list = {NULL, 0};
    int r = vfa_unowned_find(host, &list, err);

    *ret_n = 0;
    if (r == 0 && list.n > 0)
        r = destroy_of_all(conn, host, &list, ret_n, err);
    for (size_t i = 0; i < list.n && r == 0; i++)
        report_unowned(host, &list.items[i]);
    return r;
}
