/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See definition.h. The XML is read with VIR_DOMAIN_XML_SECURE: without it, the define would delete
 * the domain's passwords. */

#include "definition.h"

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "virt-error.h"

#include <string.h>

#define XML_FLAGS (VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE)

int vfa_domain_definition_read(virDomainPtr domain, char **ret, struct vfa_error *err)
{
    *ret = virDomainGetXMLDesc(domain, XML_FLAGS);
    if (!*ret)
        return vfa_virt_fail(err, "cannot read the definition of domain '%s'",
                             virDomainGetName(domain));
    return 0;
}

static int count_missing(virDomainPtr domain, const char *xml, unsigned *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *parsed = NULL;

    if (vfa_domxml_parse(xml, strlen(xml), &parsed, err) < 0)
        return vfa_wrap(err, "domain '%s'", virDomainGetName(domain));
    *ret = parsed->pcie ? vfa_domain_missing_ports(parsed) : 0; /* a PCI bus has no slots to add */
    return 0;
}

int vfa_domain_definition_replace(virDomainPtr domain, const char *xml, const char *changed,
                                  struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *now = NULL;
    virDomainPtr defined;
    int r;

    r = vfa_domain_definition_read(domain, &now, err);
    if (r < 0)
        return r;
    if (strcmp(now, xml) != 0)
        return VFA_PORTS_CHANGED;
    defined = virDomainDefineXML(virDomainGetConnect(domain), changed);
    if (!defined)
        return vfa_virt_fail(err, "cannot change the definition of domain '%s'",
                             virDomainGetName(domain));
    virDomainFree(defined);
    return 0;
}

int vfa_domain_ports_add(virDomainPtr domain, unsigned *ret_n, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *changed = NULL;
    VFA_AUTO(vfa_freep) char *xml = NULL;
    int persistent = virDomainIsPersistent(domain);
    unsigned n = 0;
    int r;

    if (persistent < 0)
        return vfa_virt_fail(err, "cannot ask for domain '%s'", virDomainGetName(domain));
    if (persistent) {
        r = vfa_domain_definition_read(domain, &xml, err);
        if (r == 0)
            r = count_missing(domain, xml, &n, err);
        if (r == 0 && n > 0)
            r = vfa_domxml_add_ports(xml, strlen(xml), n, &changed, err);
        if (r == 0 && n > 0)
            r = vfa_domain_definition_replace(domain, xml, changed, err);
        if (r != 0)
            return r;
    }
    if (ret_n)
        *ret_n = n;
    return 0;
}

typedef int edit_fn(const char *xml, size_t len, const char *request, char **ret,
                    struct vfa_error *err);

static int edit_definition(virDomainPtr domain, edit_fn *edit, const char *request,
                           struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *changed = NULL;
    VFA_AUTO(vfa_freep) char *xml = NULL;
    int r = vfa_domain_definition_read(domain, &xml, err);

    if (r == 0)
        r = edit(xml, strlen(xml), request, &changed, err);
    return r < 0 ? r : vfa_domain_definition_replace(domain, xml, changed, err);
}

int vfa_domain_ports_add_labelled(virDomainPtr domain, const char *request, struct vfa_error *err)
{
    return edit_definition(domain, vfa_domxml_add_labelled_port, request, err);
}

int vfa_domain_ports_remove_label(virDomainPtr domain, const char *request, struct vfa_error *err)
{
    return edit_definition(domain, vfa_domxml_remove_label, request, err);
}

int vfa_domain_definition_remove_device(virDomainPtr domain, const char *request,
                                        struct vfa_error *err)
{
    return edit_definition(domain, vfa_domxml_remove_device, request, err);
}
