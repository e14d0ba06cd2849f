/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML that libvirt passes to the network hook. */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "base/uuid.h"
#include "domain/netport.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VFA_AUTO(vfa_freep) char *text = fuzz_text(data, size);
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_netport_freep) struct vfa_netport *port = NULL;
    struct vfa_pci_addr source;
    int r = vfa_netport_parse(text, size, &port, &err);

    FUZZ_REQUIRE((r == 0) == (port != NULL) && (r < 0) == (err.code != 0));
    FUZZ_REQUIRE(r == 0 || !strchr(vfa_error_text(&err), '\n'));
    if (!port)
        return 0;
    FUZZ_REQUIRE(port->owner && strlen(port->uuid) == VFA_UUID_SIZE - 1);
    FUZZ_REQUIRE(strlen(port->owner_uuid) == VFA_UUID_SIZE - 1);
    FUZZ_REQUIRE(!*port->source || vfa_parse_pci_addr(port->source, &source) == 0);
    return 0;
}
