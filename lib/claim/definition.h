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

/* The result for the placeholders of a definition. */
struct vfa_definition_result {
    struct vfa_assignments devices; /* devices for the placeholders; moved is true */
    char *refusal; /* why the first placeholder that stays could not be replaced, or NULL */
};
void vfa_definition_result_clear(struct vfa_definition_result *result);

/* Chooses tentative devices for the tagged devices of a definition that name no usable device, and
 * notes the devices of the others. Claims nothing. Removes the note of
 * vfa_state_set_start_refused(). Clear *ret with vfa_definition_result_clear(). Idempotent. */
int vfa_definition_assign(struct vfa_host *host, const struct vfa_domain *domain,
                          struct vfa_definition_result *ret, struct vfa_error *err);

/* The domain has no definition any more: drops its tentative devices. */
int vfa_definition_forget(struct vfa_state *state, const char *uuid, struct vfa_error *err);

#endif
