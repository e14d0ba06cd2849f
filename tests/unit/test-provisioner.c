/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of provisioner.h: the kind of a claim's device selects the row. The card is made-card.h's. The
 * tests of the row "pci" are in test-vf-apply and test-vf-undo.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/kind.h"
#include "device/netlink.h"
#include "device/vf-settings.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/saved.h"
#include "host/host.h"
#include "provision/provisioner.h"
#include "made-card.h"

static const char *const unknown[] = {"sf:1", "teapot", "", "0000:04:00", "0000:04:00.0 ", "pci"};

static void test_unknown_kind(void)
{
    const struct vfa_desired desired = {.settings = settings("trust=yes vlan=42"),
                                        .kind = INTERFACE};
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        struct vfa_error errors[3] = {VFA_ERROR_INIT, VFA_ERROR_INIT, VFA_ERROR_INIT};
        struct vfa_host host = begin(VF);
        struct vfa_claim claim = the_claim(unknown[i]);
        struct vfa_saved saved = {.settings = settings("trust=yes")};

        strcpy(saved.device, unknown[i]);
        CHECK(vfa_provisioner_apply(&host, &claim, &desired, &errors[0]) == -ENOTSUP, "%s",
              unknown[i]);
        CHECK(vfa_provisioner_after_attach(&host, &claim, &desired, &errors[1]) == -ENOTSUP, "%s",
              unknown[i]);
        CHECK(vfa_provisioner_undo(&host, NULL, &saved, &errors[2]) == -ENOTSUP, "%s", unknown[i]);
        for (size_t j = 0; j < ARRAY_SIZE(errors); j++) {
            CHECK(check_has(&errors[j], ": its kind is unknown to this version"), "%zu", j);
            vfa_error_clear(&errors[j]);
        }
        CHECK(card.all == 0 && !read_saved().device[0], "the card is left alone");
        end(&host);
    }
}

static void test_pci(void)
{
    const struct vfa_desired desired = {.settings = settings("vlan=42 vlan_qos=3"),
                                        .kind = INTERFACE};
    struct vfa_claim claim = the_claim(VF);
    struct vfa_host host = begin(VF);
    struct vfa_netlink *nl = NULL;
    struct vfa_saved saved;

    CHECK(strcmp(claim.kind, VFA_KIND_PCI) == 0, "%s", claim.kind);
    CHECK(vfa_provisioner_apply(&host, &claim, &desired, NULL) == 0, "apply");
    CHECK(card.vf.values[VFA_VF_VLAN] == 42 && card.vf.values[VFA_VF_VLAN_QOS] == 3, "set");
    card.vf.values[VFA_VF_VLAN_QOS] = 0; /* as libvirt leaves it */
    CHECK(vfa_provisioner_after_attach(&host, &claim, &desired, NULL) == 0, "after attach");
    CHECK(card.vf.values[VFA_VF_VLAN_QOS] == 3, "set again");
    saved = read_saved();
    if (vfa_netlink_open(&nl, NULL) != 0)
        made_give_up("netlink");
    CHECK(vfa_provisioner_undo(&host, nl, &saved, NULL) == 0 && is_now(USUAL), "undo");
    vfa_netlink_close(nl);
    end(&host);
}

int main(void)
{
    make_tree();
    test_unknown_kind();
    test_pci();
    made_end(&sysfs);
    return check_result();
}
