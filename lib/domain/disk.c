/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks of a guest: the names of their targets, and what a vDPA block device needs.
 *
 * A name on the virtio bus is "vd" and letters. vda is disk number 1, vdz 26, vdaa 27; 0 is no disk
 * of that bus. Guests do not see the names, but libvirt refuses a domain in which two disks have the
 * same one. Source: virDiskNameToIndex() of libvirt.
 */

#include "base/bitset.h"
#include "base/common.h"
#include "domain.h"
#include "private.h"
#include "xml.h"

#include <string.h>

#define PREFIX    "vd"
#define LETTERS   26
#define NAME_SIZE 8 /* three letters are enough for VFA_BITSET_BITS disks */

/* ---- memory ---- */

static bool is_shared(xmlNodePtr node, const char *attribute, bool otherwise)
{
    return xmlHasNsProp(node, BAD_CAST attribute, NULL) ? vfa_xml_attr_is(node, attribute, "shared")
                                                        : otherwise;
}

/* The rule is that of qemuValidateDomainDefVhostUserRequireSharedMemory() in libvirt. */
bool vfa_xml_has_shared_memory(xmlNodePtr root)
{
    xmlNodePtr access = vfa_xml_child(vfa_xml_child(root, "memoryBacking"), "access");
    xmlNodePtr numa = vfa_xml_child(vfa_xml_child(root, "cpu"), "numa");
    bool otherwise = access && is_shared(access, "mode", false), shared = true, cells = false;

    for (xmlNodePtr node = numa ? numa->children : NULL; node; node = node->next) {
        if (!vfa_xml_is_plain(node, "cell"))
            continue;
        cells = true;
        shared = shared && is_shared(node, "memAccess", otherwise);
    }
    return cells ? shared : otherwise;
}

/* ---- names ---- */

static unsigned number_of_name(const char *name)
{
    unsigned number = 0;

    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        return 0;
    for (const char *p = name + strlen(PREFIX); *p; p++) {
        if (*p < 'a' || *p > 'z' || number >= VFA_BITSET_BITS)
            return 0;
        number = number * LETTERS + (unsigned)(*p - 'a') + 1;
    }
    return number;
}

static const char *name_of_number(unsigned number, char buf[NAME_SIZE])
{
    size_t at = NAME_SIZE - 1;

    buf[at] = '\0';
    for (; number > 0; number = (number - 1) / LETTERS)
        buf[--at] = (char)('a' + (number - 1) % LETTERS);
    at -= strlen(PREFIX);
    return memcpy(&buf[at], PREFIX, strlen(PREFIX));
}

unsigned vfa_xml_disk_number(xmlNodePtr disk)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *name = vfa_xml_attr(vfa_xml_child(disk, "target"), "dev");

    return name ? number_of_name((const char *)name) : 0;
}

/* ---- the element of a request ---- */

static bool may_be_disk(const struct vfa_request *request)
{
    return request->attach_given ? request->attach == VFA_ATTACH_VDPA_DISK : !request->template_xml;
}

/* The first free number for a request. Numbers are left for the requests before it that wait for a
 * device too: elements of several requests may be made from the same state of the domain. */
static unsigned free_number(const struct vfa_domain *domain, const char *name)
{
    struct vfa_bitset used = domain->disks;
    unsigned number = 0, before = 0;
    bool found = false;

    for (size_t i = 0; i < domain->n_requests; i++) {
        const struct vfa_request *request = &domain->requests[i];

        found = found || strcmp(request->name, name) == 0;
        if (request->disk)
            vfa_bitset_add(&used, request->disk);
        else if (!found && may_be_disk(request) && !vfa_domain_device(domain, request->name))
            before++;
    }
    do {
        while (vfa_bitset_has(&used, ++number))
            ;
    } while (before-- > 0);
    return number;
}

static bool set_target(xmlNodePtr disk, const struct vfa_domain *domain, const char *request)
{
    xmlNodePtr target = vfa_xml_child(disk, "target");
    char name[NAME_SIZE];

    if (!target)
        target = vfa_xml_add(disk, "target");
    return vfa_xml_set_default(target, "dev", name_of_number(free_number(domain, request), name)) &&
           vfa_xml_set_default(target, "bus", "virtio");
}

/* QEMU's driver for vDPA block devices refuses every cache mode that is not direct
 * (blkio_virtio_blk_common_open()), and libvirt's default is not. */
bool vfa_xml_complete_disk(xmlNodePtr disk, const struct vfa_domain *domain, const char *request)
{
    xmlNodePtr driver = vfa_xml_child(disk, "driver");

    if (!driver)
        driver = vfa_xml_add(disk, "driver");
    return vfa_xml_set_default(disk, "device", "disk") &&
           vfa_xml_set_default(driver, "name", "qemu") &&
           vfa_xml_set_default(driver, "type", "raw") &&
           vfa_xml_set_default(driver, "cache", "none") && set_target(disk, domain, request);
}
