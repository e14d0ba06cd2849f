/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Claims of domains that run, on a made tree with one PF and four VFs: what they ask for later, and
 * what their XML says they have.
 */
#include "made-host.h"

#define WANTS DOM(META(ASKS), "")

/* Nobody has the device then, as far as the file goes. */
static void test_file_lost(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    const struct vfa_domain *domain = parse(WANTS);
    struct vfa_host host;
    char file[128];

    made_file("other.xml", "<domstatus/>");
    host = open_host(true);
    CHECK(vfa_allocate_request(&host, domain, &domain->requests[0], &claim, &err) ==
                  VFA_ALLOCATE_AGAIN &&
              check_has(&err, "domain 'd': the state file was lost"),
          "%s", vfa_error_text(&err));
    CHECK(vfa_allocate_late(&host, domain, &domain->requests[0], &claim, NULL) ==
              VFA_ALLOCATE_AGAIN,
          "late");
    CHECK(vfa_state_claims(host.state, NULL, &claims, NULL) == 0 && claims.n == 0, "claims");
    CHECK(vfa_state_set_synced(host.state, NULL) == 0, "synced");
    CHECK(vfa_allocate_request(&host, domain, &domain->requests[0], &claim, NULL) == 0 &&
              strcmp(claim.device, vf(0)) == 0,
          "rebuilt");
    vfa_host_clear(&host);
    snprintf(file, sizeof(file), "%s/other.xml", made_root);
    unlink(file);
}

int main(void)
{
    make_host();
    test_file_lost();
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    return check_result();
}
