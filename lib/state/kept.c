/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handles that vfa_state_close() keeps open: a process that opens the state often does not pay for
 * SQLite reading the schema each time. A kept handle has no lock, no transaction and no temporary
 * table, and belongs to one caller at a time.
 *
 * vfa_state_open() checks a kept handle like a file that it has just opened: the file may have been
 * replaced or emptied.
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
