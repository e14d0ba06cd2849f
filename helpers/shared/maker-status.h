/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The exit status of make-device: how the results of vfa_made_errand() (provision/made.h) get from
 * one process to another. Of the output, the last line is the error, and the others are warnings.
 * SuccessExitStatus= of systemd cannot have these statuses, though its journal calls them failures:
 * systemd-run(1) would return 0 for them. */
#ifndef VFA_SHARED_MAKER_STATUS_H
#define VFA_SHARED_MAKER_STATUS_H

#include "provision/provisioner.h"

#include <stdlib.h>

/* systemd-run(1) uses 1 as well, if it does not start the program. 2: wrong command line. */
#define VFA_MAKER_STATUS_FAILED EXIT_FAILURE
#define VFA_MAKER_STATUS_FIRST  10 /* of the positive results */

/* The exit status for a result. */
static inline int vfa_maker_status(int result)
{
    return result > 0 ? VFA_MAKER_STATUS_FIRST + result : result < 0 ? VFA_MAKER_STATUS_FAILED : 0;
}

/* The result of an exit status; -1: an error, which may have passed at the next attempt. */
static inline int vfa_maker_result(int status)
{
    int result = status - VFA_MAKER_STATUS_FIRST;

    if (status == EXIT_SUCCESS)
        return 0;
    return result >= VFA_VF_REFUSED && result <= VFA_VF_FULL ? result : -1;
}

#endif
