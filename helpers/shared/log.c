/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See log.h. `lock` guards `said`, which has one entry for each key of vfa_log_change(): it is
 * short. */

#include "log.h"

#include "base/common.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

struct said {
    struct said *next;
    char *key;
    char *text;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct said *said;
static atomic_int max_level = LOG_INFO;
static const char *name = "vfalias";
static bool to_journal;

/* Every child of a service inherits $JOURNAL_STREAM (systemd.exec(5)): stderr is the journal only
 * if its device and inode are those in the variable. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char text[64];
    struct stat st;

    if (!stream || fstat(STDERR_FILENO, &st) < 0)
        return false;
    snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, text) == 0;
}

void vfa_log_init(const char *program, int level)
{
    name = program;
    max_level = level;
    to_journal = stderr_is_journal();
}

void vfa_log_set_level(int level)
{
    max_level = level;
}

static void write_line(int level, const char *text)
{
    VFA_AUTO(vfa_freep) char *line = NULL;
    int n;

    if (to_journal)
        n = asprintf(&line, "<%d>%s\n", level, text);
    else
        n = asprintf(&line, "%s: %s\n", name, text);
    if (n < 0) {
        line = NULL;
        return;
    }
    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        return; /* no other place to report to */
}

void vfa_log(int level, const char *fmt, ...)
{
    VFA_AUTO(vfa_freep) char *text = NULL;
    va_list args;

    if (level > max_level)
        return;
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    if (text)
        write_line(level, text);
}

void vfa_log_warning(const char *text)
{
    vfa_log(LOG_WARNING, "%s", text);
}

static void said_free(struct said *entry)
{
    free(entry->key);
    free(entry->text);
    free(entry);
}

/* Takes `text` over. False if it is the last text of the key. True if memory is short: the line is
 * then written twice. */
static bool remember(const char *key, char *text)
{
    VFA_AUTO(vfa_freep) char *owned = text;
    struct said *entry = said;

    while (entry && strcmp(entry->key, key) != 0)
        entry = entry->next;
    if (entry && strcmp(entry->text, text) == 0)
        return false;
    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            return true;
        entry->key = strdup(key);
        if (!entry->key) {
            free(entry);
            return true;
        }
        entry->next = said;
        said = entry;
    }
    free(entry->text);
    entry->text = vfa_steal(&owned);
    return true;
}

void vfa_log_change(const char *key, int level, const char *fmt, ...)
{
    VFA_AUTO(vfa_freep) char *text = NULL;
    bool changed;
    va_list args;
    char *copy;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    copy = text ? strdup(text) : NULL;
    if (!copy)
        return;
    pthread_mutex_lock(&lock);
    changed = remember(key, copy);
    pthread_mutex_unlock(&lock);
    if (changed && level <= max_level)
        write_line(level, text);
}

void vfa_log_forget(const char *prefix)
{
    size_t len = strlen(prefix);

    pthread_mutex_lock(&lock);
    for (struct said **p = &said; *p;) {
        struct said *entry = *p;

        if (strncmp(entry->key, prefix, len) != 0) {
            p = &entry->next;
            continue;
        }
        *p = entry->next;
        said_free(entry);
    }
    pthread_mutex_unlock(&lock);
}
