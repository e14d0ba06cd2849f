/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Result codes of the functions that give devices to domains and take them back. Each of these
 * functions returns 0, one of these codes, or a negative errno value.
 */
#ifndef VFA_CLAIM_CLAIM_H
#define VFA_CLAIM_CLAIM_H

#include "base/error.h"

enum {
    VFA_CLAIM_REFUSED = VFA_REFUSED, /* refused; err has the line for the user */
    VFA_CLAIM_TRY_AGAIN =
        2,                 /* a temporary condition; nothing changed: the caller tries again soon */
    VFA_CLAIM_RESCAN = 16, /* only inside a transaction: see vfa_transaction_run() */
};

#endif
