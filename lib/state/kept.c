/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * State files that were closed and are kept open: a process that looks into the state all the time
 * need not have SQLite read the schema each time. What is kept has no lock, no transaction, no
 * table of its own, and is taken by one user at a time.
 *
 * Whoever takes one looks at it as at a file that was just opened: it may have been
 * replaced, or emptied.
 */

#include "private.h"
#include "state.h"

#include <pthread.h>
#include <string.h>

#define MOST 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct vfa_state *kept[MOST]; /* the first n_kept */
static size_t n_kept, n_allowed;

void vfa_state_keep(size_t n)
{
    /* statistics that nobody reads cost each allocation of each thread a lock that all share */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    pthread_mutex_lock(&lock);
    n_allowed = n < MOST ? n : MOST;
    while (n_kept > n_allowed)
        vfa_state_discard(kept[--n_kept]);
    pthread_mutex_unlock(&lock);
}

struct vfa_state *vfa_kept_take(const char *path, bool may_mend)
{
    struct vfa_state *state = NULL;

    pthread_mutex_lock(&lock);
    for (size_t i = n_kept; i > 0 && !state; i--) {
        if (kept[i - 1]->may_mend != may_mend || strcmp(kept[i - 1]->path, path) != 0)
            continue;
        state = kept[i - 1];
        kept[i - 1] = kept[--n_kept];
    }
    pthread_mutex_unlock(&lock);
    return state;
}

bool vfa_kept_put(struct vfa_state *state)
{
    bool r;

    if (state->damaged || state->has_temp || vfa_state_is_copy(state))
        return false;
    vfa_state_rollback(state);
    pthread_mutex_lock(&lock);
    r = n_kept < n_allowed;
    if (r)
        kept[n_kept++] = state;
    pthread_mutex_unlock(&lock);
    return r;
}
