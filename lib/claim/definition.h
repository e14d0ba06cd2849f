/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices for the placeholders in a domain's definition: chosen, noted as tentative, not claimed.
 */
#ifndef VFA_CLAIM_DEFINITION_H
#define VFA_CLAIM_DEFINITION_H

#include "base/error.h"
#include "domain/domain.h"
#include "state/state.h"
#include "host/host.h"
#include "assignment.h"

/* What the placeholders in a domain's definition come to. */
struct vfa_definition_result {
    struct vfa_assignments devices; /* those that have to name these from now on; moved is true */
    char *refusal; /* why the first of those that stay as they are does, though it cannot be had;
                      NULL: there is none */
};
void vfa_definition_result_clear(struct vfa_definition_result *result);

/* Chooses tentative devices for a definition's devices that carry ua-vf-NAME and name none that can
 * be had, and notes those of the others. Claims nothing; ends what vfa_state_set_start_refused() began.
 * *ret is to be cleared with vfa_definition_result_clear(). Idempotent. */
int vfa_definition_assign(struct vfa_host *host, const struct vfa_domain *domain,
                          struct vfa_definition_result *ret, struct vfa_error *err);

/* The domain has no definition (any more): nothing is tentative for it. */
int vfa_definition_forget(struct vfa_state *state, const char *uuid, struct vfa_error *err);

#endif
