/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the place of a guest on its host: <numatune> (host nodes) and the CPUs that its virtual
 * CPUs are pinned to. https://libvirt.org/formatdomain.html#numa-node-tuning, #cpu-tuning.
 */

#include "base/bitset.h"
#include "base/common.h"
#include "base/error.h"
#include "domain.h"
#include "private.h"
#include "xml.h"

#include <errno.h>

static int add_list(xmlNodePtr node, const char *attr, struct vfa_bitset *set,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *text = vfa_xml_attr(node, attr);
    struct vfa_bitset more = {{0}};

    if (!text)
        return 0;
    if (vfa_bitset_parse((const char *)text, &more) < 0)
        return vfa_fail(err, EINVAL, "cannot read %s '%s' of <%s>", attr, (const char *)text,
                        (const char *)node->name);
    vfa_bitset_unite(set, &more);
    return 0;
}

/* Adds the lists of all children of that name: <memory nodeset>, <memnode nodeset>, <vcpupin
 * cpuset>. */
static int add_children(xmlNodePtr parent, const char *name, const char *attr,
                        struct vfa_bitset *set, struct vfa_error *err)
{
    int r = 0;

    for (xmlNodePtr node = parent ? parent->children : NULL; node && r == 0; node = node->next) {
        if (vfa_xml_is_plain(node, name))
            r = add_list(node, attr, set, err);
    }
    return r;
}

int vfa_xml_read_place(xmlNodePtr root, struct vfa_domain *domain, struct vfa_error *err)
{
    xmlNodePtr numatune = vfa_xml_child(root, "numatune"), cputune = vfa_xml_child(root, "cputune");
    xmlNodePtr vcpu = vfa_xml_child(root, "vcpu");
    int r = add_children(numatune, "memory", "nodeset", &domain->numa_nodes, err);

    if (r == 0)
        r = add_children(numatune, "memnode", "nodeset", &domain->numa_nodes, err);
    if (r == 0)
        r = add_children(cputune, "vcpupin", "cpuset", &domain->pinned_cpus, err);
    if (r == 0 && vcpu &&
        vfa_bitset_empty(&domain->pinned_cpus)) /* the default of unpinned virtual CPUs */
        r = add_list(vcpu, "cpuset", &domain->pinned_cpus, err);
    return r;
}
