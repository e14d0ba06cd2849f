/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replaces elements in the text of a document. Every other byte stays as it is: quotes, blanks,
 * entities, text in front of and behind the elements. libxml2 does not record where in the text an
 * element is; this file counts elements. libxml2 has parsed the text before, so that the text is
 * well-formed and has no document type: its markup is comments, CDATA, processing instructions and
 * tags.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/text.h"
#include "private.h"
#include "xml.h"

#include <errno.h>
#include <string.h>

/* ---- where an element is ---- */

struct span {
    size_t start, end;
};

struct scan {
    const char *at, *end;
};

#define STARTS(p, end, text)                                                                       \
    ((size_t)((end) - (p)) >= strlen(text) && memcmp((p), (text), strlen(text)) == 0)

/* The position behind the next `text`, or NULL. */
static const char *behind(const char *p, const char *end, const char *text)
{
    const char *found = memmem(p, (size_t)(end - p), text, strlen(text));

    return found ? found + strlen(text) : NULL;
}

/* The position behind the '>' of a tag, or NULL. Values of attributes may contain '>'. */
static const char *behind_tag(const char *p, const char *end)
{
    char quote = '\0';

    for (; p < end; p++) {
        if (quote)
            quote = *p == quote ? '\0' : quote;
        else if (*p == '"' || *p == '\'')
            quote = *p;
        else if (*p == '>')
            return p + 1;
    }
    return NULL;
}

enum tag { TAG_NONE, TAG_START, TAG_END, TAG_EMPTY };

/* Finds the next tag. TAG_NONE: the text has no more tags. */
static enum tag next_tag(struct scan *scan, struct span *ret, const char *text)
{
    while (scan->at && (scan->at = memchr(scan->at, '<', (size_t)(scan->end - scan->at)))) {
        const char *p = scan->at;

        if (STARTS(p, scan->end, "<!--")) {
            scan->at = behind(p + 4, scan->end, "-->");
        } else if (STARTS(p, scan->end, "<![CDATA[")) {
            scan->at = behind(p, scan->end, "]]>");
        } else if (STARTS(p, scan->end, "<?")) {
            scan->at = behind(p, scan->end, "?>");
        } else {
            scan->at = behind_tag(p, scan->end);
            if (!scan->at)
                return TAG_NONE;
            *ret = (struct span){(size_t)(p - text), (size_t)(scan->at - text)};
            return p[1] == '/' ? TAG_END : scan->at[-2] == '/' ? TAG_EMPTY : TAG_START;
        }
    }
    return TAG_NONE;
}

/* Reads to the end of the element whose start tag was read. */
static bool end_of(struct scan *scan, struct span *ret, const char *text)
{
    struct span tag;

    for (unsigned depth = 1; depth > 0;) {
        enum tag kind = next_tag(scan, &tag, text);

        if (kind == TAG_NONE)
            return false;
        depth += kind == TAG_START;
        depth -= kind == TAG_END;
    }
    ret->end = tag.end;
    return true;
}

/* Finds the n-th (from 0) of the following siblings. Reads its first tag only, which is *ret;
 * *ret_kind is the kind of this tag. */
static bool nth_element(struct scan *scan, unsigned n, struct span *ret, enum tag *ret_kind,
                        const char *text)
{
    for (;;) {
        *ret_kind = next_tag(scan, ret, text);
        if (*ret_kind != TAG_START && *ret_kind != TAG_EMPTY)
            return false;
        if (n-- == 0)
            return true;
        if (*ret_kind == TAG_START && !end_of(scan, ret, text))
            return false;
    }
}

static unsigned number_of(const xmlNode *node)
{
    unsigned n = 0;

    for (const xmlNode *before = node->prev; before; before = before->prev)
        n += before->type == XML_ELEMENT_NODE;
    return n;
}

#define DEPTH_MAX 8

static bool find_span(const char *text, size_t len, const xmlNode *node, struct span *ret)
{
    struct scan scan = {text, text + len};
    unsigned path[DEPTH_MAX], depth = 0;
    enum tag kind = TAG_START;

    for (; node->type == XML_ELEMENT_NODE && depth < DEPTH_MAX; node = node->parent)
        path[depth++] = number_of(node);
    while (depth > 0) {
        if (kind != TAG_START || !nth_element(&scan, path[--depth], ret, &kind, text))
            return false;
    }
    return kind == TAG_EMPTY || end_of(&scan, ret, text);
}

/* ---- the new text ---- */

/* Texts in other encodings are not spliced: libxml2 writes the whole document. */
static bool is_utf8(xmlDocPtr doc, const char *text, size_t len)
{
    return (!doc->encoding || vfa_text_same((const char *)doc->encoding, "utf-8")) &&
           !memchr(text, '\0', len);
}

static int write_node(FILE *f, xmlDocPtr doc, xmlNodePtr node, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *dump = NULL;
    int r = vfa_xml_dump(doc, node, &dump, err);

    if (r == 0)
        fputs(dump, f);
    return r;
}

/* -ENOENT: an element is not found. */
static int write_all(FILE *f, const char *text, size_t len, xmlDocPtr doc,
                     const struct vfa_xml_edit *edits, size_t n, struct vfa_error *err)
{
    size_t done = 0;

    for (size_t i = 0; i < n; i++) {
        struct span span;
        size_t keep;
        int r = 0;

        if (!find_span(text, len, edits[i].node, &span) || span.start < done)
            return -ENOENT;
        keep = edits[i].after ? span.end : span.start;
        fwrite(text + done, 1, keep - done, f);
        if (edits[i].after)
            fputs(edits[i].after, f);
        else
            r = write_node(f, doc, edits[i].node, err);
        if (r < 0)
            return r;
        done = span.end;
    }
    fwrite(text + done, 1, len - done, f);
    return 0;
}

int vfa_xml_splice(const char *text, size_t len, xmlDocPtr doc, const struct vfa_xml_edit *edits,
                   size_t n, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *made = NULL;
    size_t size;
    FILE *f = open_memstream(&made, &size);
    int r;

    if (!f)
        return vfa_fail_oom(err);
    r = is_utf8(doc, text, len) ? write_all(f, text, len, doc, edits, n, err) : -ENOENT;
    if (fclose(f) != 0)
        return vfa_fail_oom(err);
    if (r == -ENOENT)
        return vfa_xml_dump(doc, NULL, ret, err);
    if (r == 0)
        *ret = vfa_steal(&made);
    return r;
}
