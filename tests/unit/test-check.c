/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the element and the settings of a request may be for the alias that it asks for. */

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "claim/check.h"
#include "claim/claim.h"
#include "check.h"
#include "domxml-case.h"

static char net[] = "net", vnet[] = "vnet", vblk[] = "vblk", vgpu[] = "vgpu", tap[] = "tap",
            bridge[] = "br0";
static struct vfa_alias aliases[] = {
    {.name = net, .types = 1u << VFA_TYPE_VF, .attach = VFA_ATTACH_INTERFACE},
    {.name = vnet, .types = 1u << VFA_TYPE_VDPA, .attach = VFA_ATTACH_VDPA},
    {.name = vblk, .types = 1u << VFA_TYPE_VDPA_BLOCK, .attach = VFA_ATTACH_VDPA_DISK},
    {.name = vgpu, .types = 1u << VFA_TYPE_MDEV, .attach = VFA_ATTACH_MDEV},
    {.name = tap, .attach = VFA_ATTACH_BRIDGE, .bridge = bridge},
};
static const struct vfa_config config = {.aliases = aliases, .n_aliases = ARRAY_SIZE(aliases)};

static const struct {
    const char *alias, *inner, *why; /* NULL: allowed */
} cases[] = {
    {"net",
     "<vfalias:interface><vfalias:vlan><vfalias:tag id='7'/></vfalias:vlan></vfalias:interface>",
     NULL},
    {"net", "<vfalias:settings trust='yes'/>", NULL},
    {"vnet", "<vfalias:interface/>", NULL},
    {"vnet",
     "<vfalias:interface type='vdpa'><vfalias:mac address='52:54:00:01:02:03'/></vfalias:interface>",
     NULL},
    {"vnet",
     "<vfalias:interface><vfalias:vlan><vfalias:tag id='7'/></vfalias:vlan></vfalias:interface>",
     "request 'r': alias 'vnet' attaches vdpa, which cannot have a VLAN"},
    {"vnet", "<vfalias:interface><vfalias:virtualport/></vfalias:interface>",
     "request 'r': alias 'vnet' attaches vdpa, which cannot have a <virtualport>"},
    {"vnet", "<vfalias:settings trust='yes'/>",
     "request 'r': settings: alias 'vnet' attaches vdpa, and only a VF has settings"},
    {"vblk", "<vfalias:disk/>", NULL},
    {"vblk", "<vfalias:interface/>",
     "request 'r': its element would be attached as interface, but alias 'vblk' attaches vdpa-disk"},
    {"vgpu", "<vfalias:hostdev type='mdev' display='on'/>", NULL},
    {"vgpu", "<vfalias:hostdev/>",
     "request 'r': its element would be attached as hostdev, but alias 'vgpu' attaches mdev"},
    {"tap",
     "<vfalias:interface><vfalias:vlan><vfalias:tag id='7'/></vfalias:vlan></vfalias:interface>",
     NULL},
    {"tap", "<vfalias:settings trust='yes'/>",
     "request 'r': settings: alias 'tap' attaches bridge, and only a VF has settings"},
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
        VFA_AUTO(vfa_freep) char *xml = NULL;
        int r;

        if (asprintf(
                &xml,
                DOM(META(
                        "<vfalias:request name='r' alias='%s'>%s</vfalias:request>") "<memoryBacking><access mode='shared'/></memoryBacking>",
                    ""),
                cases[i].alias, cases[i].inner) < 0 ||
            vfa_domxml_parse(xml, strlen(xml), &domain, NULL) < 0 || domain->n_requests != 1)
            abort();
        r = vfa_check_request(&config, domain, &domain->requests[0], &err);
        CHECK(cases[i].why ? r == VFA_CLAIM_REFUSED && check_has(&err, cases[i].why) : r == 0,
              "%s %s: %d %s", cases[i].alias, cases[i].inner, r, vfa_error_text(&err));
    }
    return check_result();
}
