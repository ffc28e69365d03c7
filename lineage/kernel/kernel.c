/* What is done for every byte of a file of records: hash each line, prove that it is JSON, and find what is its own.
 *
 *     lineage_count    whole lines -> how many
 *     lineage_leaves   whole lines -> (offset, leaf hash) of each                       RFC 9162, 2.1
 *     lineage_short    those rows, shortened to what an index keeps
 *     lineage_tree     leaf hashes -> the roots of the complete subtrees so far
 *     lineage_learn    a line -> its shape: its metadata's text, with holes where a record's own values stand
 *     lineage_match    whole lines -> for each the shape that it has, and where its time and its seed stand
 *     lineage_runs     what lineage_match found -> runs of lines of one shape
 *     lineage_totals   what lineage_match found -> for each shape its lines, with the extremes of times and seeds
 *
 * A line is matched only when all of it is proved: it is one JSON object (RFC 8259) in valid UTF-8, no object in it has a key twice,
 * no number is one that readers disagree about, and its metadata is the text of the shape. Whatever is not proved is left to the
 * caller, who reads it in full. SHA-256 is that of the library which the caller hands over; there is none in here.
 * Nothing is global but those three functions. Every read is bounded by the end of the caller's bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef const uint8_t *bytes;

/* The SHA-256 of this file when it was compiled, so that a library that was left over from another version is not used. */
#ifndef SOURCE
#define SOURCE ""
#endif
const char *lineage_source(void) { return SOURCE; }

/* ---- hashes */

enum { HASH = 32, ROW = 40, CONTEXT = 512 }; /* a row: the offset in 8 bytes, little-endian, and the leaf hash */

static int (*sha_init)(void *);
static int (*sha_update)(void *, const void *, size_t);
static int (*sha_final)(uint8_t *, void *);

void lineage_sha256(void *init, void *update, void *final)
{
    *(void **)&sha_init = init;
    *(void **)&sha_update = update;
    *(void **)&sha_final = final;
}

static void hashed(uint8_t prefix, const void *one, size_t n, const void *two, size_t m, uint8_t *out)
{
    uint64_t context[CONTEXT / 8];
    sha_init(context);
    sha_update(context, &prefix, 1);
    sha_update(context, one, n);
    if (m)
        sha_update(context, two, m);
    sha_final(out, context);
}

static void put64(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

/* How many lines the bytes are: each ends with a newline, the last one may lack it. */
size_t lineage_count(bytes data, size_t n)
{
    size_t count = 0;
    for (bytes p = data, end = data + n; p < end; count++) {
        bytes found = memchr(p, '\n', (size_t)(end - p));
        p = found ? found + 1 : end;
    }
    return count;
}

/* Returns how many rows were written, at most *capacity*. */
size_t lineage_leaves(bytes data, size_t n, uint64_t offset, uint8_t *rows, size_t capacity)
{
    size_t at = 0, count = 0;
    while (at < n && count < capacity) {
        bytes found = memchr(data + at, '\n', n - at);
        size_t end = found ? (size_t)(found - data) + 1 : n;
        put64(rows + count * ROW, offset + at);
        hashed(0, data + at, end - at, NULL, 0, rows + count * ROW + 8);
        at = end;
        count++;
    }
    return count;
}

/* The first 16 bytes of each row: the offset, and what begins the leaf hash. */
void lineage_short(bytes rows, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * 16, rows + i * ROW, 16);
}

/* *stack* has room for 64 hashes and holds one for each bit that is set in *size*, the largest subtree first. Returns the new size. */
uint64_t lineage_tree(uint8_t *stack, uint64_t size, bytes rows, size_t count)
{
    int top = 0;
    for (uint64_t bits = size; bits; bits &= bits - 1)
        top++;
    for (size_t i = 0; i < count; i++, size++) {
        uint8_t node[HASH];
        memcpy(node, rows + i * ROW + 8, HASH);
        for (uint64_t bits = size; bits & 1; bits >>= 1)
            hashed(1, stack + --top * HASH, HASH, node, HASH, node);
        memcpy(stack + top++ * HASH, node, HASH);
    }
    return size;
}

/* ---- JSON, proved and not built: each function moves past what it proves, or returns NULL */

enum { DEPTH = 64, KEYS = 64, STEP = 32 };

static int is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static bytes blanks(bytes p, bytes end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

static int is_hex(uint8_t c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

static int are_hex(bytes p) { return is_hex(p[0]) && is_hex(p[1]) && is_hex(p[2]) && is_hex(p[3]); }

static int is_surrogate(bytes p) { return (p[0] | 32) == 'd' && p[1] >= '8'; }

static int is_low(bytes p) { return is_surrogate(p) && (p[1] | 32) >= 'c'; }

/* After a backslash. A surrogate that stands alone is not proved: readers disagree about it. */
static bytes escape(bytes p, bytes end)
{
    if (p >= end)
        return NULL;
    if (*p != 'u')
        return memchr("\"\\/bfnrt", *p, 8) ? p + 1 : NULL;
    if (end - p < 5 || !are_hex(p + 1))
        return NULL;
    if (!is_surrogate(p + 1))
        return p + 5;
    if (is_low(p + 1) || end - p < 11 || p[5] != '\\' || p[6] != 'u' || !are_hex(p + 7) || !is_low(p + 7))
        return NULL;
    return p + 11;
}

/* One letter of more than one byte (RFC 3629: nothing overlong, no surrogate, nothing above U+10FFFF). */
static bytes letter(bytes p, bytes end)
{
    uint8_t c = *p, low = 0x80, high = 0xBF;
    int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    if (c < 0xC2 || c > 0xF4 || end - p <= more)
        return NULL;
    if (c == 0xE0)
        low = 0xA0;
    else if (c == 0xED)
        high = 0x9F;
    else if (c == 0xF0)
        low = 0x90;
    else if (c == 0xF4)
        high = 0x8F;
    if (p[1] < low || p[1] > high)
        return NULL;
    for (int i = 2; i <= more; i++)
        if ((p[i] & 0xC0) != 0x80)
            return NULL;
    return p + 1 + more;
}

/* Has any of eight bytes a meaning in a string: a quote, a backslash, a control character, a part of a longer letter? */
static int is_odd(bytes p)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t x, quote, slash;
    memcpy(&x, p, 8);
    quote = x ^ ones * '"';
    slash = x ^ ones * '\\';
    return ((((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((x - ones * 0x20) & ~x) | x) & ones << 7) != 0;
}

/* The bytes from p on that stand for themselves. The first loop has no exit inside a step, so that a compiler can do it at once. */
static bytes plain(bytes p, bytes end)
{
    for (; end - p >= STEP; p += STEP) {
        uint8_t odd = 0;
        for (int i = 0; i < STEP; i++)
            odd |= (uint8_t)((p[i] == '"') | (p[i] == '\\') | (p[i] < 0x20) | (p[i] >> 7));
        if (odd)
            break;
    }
    while (end - p >= 8 && !is_odd(p))
        p += 8;
    while (p < end && *p != '"' && *p != '\\' && *p >= 0x20 && *p < 0x80)
        p++;
    return p;
}

/* After the opening quote; ends behind the closing one. */
static bytes string(bytes p, bytes end)
{
    while ((p = plain(p, end)) < end) {
        if (*p == '"')
            return p + 1;
        if (*p == '\\')
            p = escape(p + 1, end);
        else if (*p >= 0x80)
            p = letter(p, end);
        else
            return NULL;
        if (!p)
            return NULL;
    }
    return NULL;
}

static bytes digits(bytes p, bytes end, int least, int most)
{
    int n = 0;
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
        if (++n > most)
            return NULL;
    }
    return n >= least ? p : NULL;
}

/* A number that every reader reads alike: at most 18 digits before the point and two in the exponent, so it is finite. */
static bytes number(bytes p, bytes end)
{
    if (p < end && *p == '-')
        p++;
    if (p >= end)
        return NULL;
    p = *p == '0' ? p + 1 : digits(p, end, 1, 18);
    if (p && p < end && *p == '.')
        p = digits(p + 1, end, 1, 40);
    if (p && p < end && (*p | 32) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        p = digits(p, end, 1, 2);
    }
    return p;
}

static bytes word(bytes p, bytes end, const char *text, size_t n)
{
    return (size_t)(end - p) >= n && !memcmp(p, text, n) ? p + n : NULL;
}

/* ---- shapes */

enum { SLOTS = 16, SHAPES = 256 };
enum level { RECORD, METADATA, PARAMS, PROVENANCE, OTHER };
enum own { ANY, TIME, SEED };

struct shape {
    uint8_t *text; /* of the metadata, without what stands in the slots */
    uint32_t piece[SLOTS + 1]; /* the bytes between the slots */
    uint8_t own[SLOTS];
    int slots;
};

struct matcher {
    struct shape shape[SHAPES];
    int shapes, last;
};

struct line { /* as Python reads it: `=IIiIIBBxx` */
    uint32_t start, size; /* without its line ending */
    int32_t shape; /* or one of: */
    uint32_t time, seed; /* where they stand in the block */
    uint8_t time_size, seed_size;
    uint8_t unused[2];
};
enum { UNPROVED = -1, NO_METADATA = -2, BLANK = -3, FOREIGN = -4 };

struct walk {
    bytes end;
    struct matcher *matcher; /* matching: the shapes that are known */
    struct line *line;
    bytes data;
    int learning; /* learning: where the metadata and the slots stand */
    bytes metadata, metadata_end;
    bytes slot[SLOTS], slot_end[SLOTS];
    uint8_t own[SLOTS];
    int slots;
    int is_named, is_described, is_our_run; /* has it a provenance or a run, one of the contract's keys in it, a run id of our form? */
    int confirming; /* how many other keys of ours it has */
};

static bytes value(struct walk *w, bytes p, int depth);
static bytes metadata(struct walk *w, bytes p, int depth);

static int is(bytes key, size_t n, const char *text) { return n == strlen(text) && !memcmp(key, text, n); }

static int own_of(enum level level, bytes key, size_t n)
{
    if (level == PARAMS)
        return is(key, n, "seed") ? SEED : -1;
    if (level != METADATA)
        return -1;
    if (is(key, n, "timestamp"))
        return TIME;
    return is(key, n, "record_index") || is(key, n, "previous") || is(key, n, "tokens") ? ANY : -1;
}

/* The twin of lineage.contract.metadata.is_ours, by names alone: what is foreign here is foreign there. */
static int is_foreign(const struct walk *w)
{
    if (w->is_described)
        return 0;
    if (w->is_our_run)
        return w->confirming == 0;
    return !w->is_named || w->confirming < 2;
}

static int is_any(bytes key, size_t n, const char *const *names)
{
    for (; *names; names++)
        if (is(key, n, *names))
            return 1;
    return 0;
}

/* A string of 32 hex digits, as we write the id of a run. */
static int is_run_id(bytes p, bytes end)
{
    if (end - p != 34 || *p != '"')
        return 0;
    for (int i = 1; i <= 32; i++)
        if (!(p[i] >= '0' && p[i] <= '9') && !(p[i] >= 'a' && p[i] <= 'f'))
            return 0;
    return 1;
}

/* Note a key of metadata, or of the provenance in them, by which is_foreign decides. */
static void noted(struct walk *w, enum level level, bytes key, size_t n, bytes p, bytes end)
{
    static const char *const described[] = {"loader_version", "template_disabled", "model_name", "quantization",
                                            "sentinel_tests_passed", "add_special_tokens", NULL};
    static const char *const confirming[] = {"session_id", "record_index", "script_name", "script_version",
                                             "generation_params", "decoding_params", "eval_seed", NULL};
    if (level == PROVENANCE) {
        w->is_described |= is_any(key, n, described);
    } else if (level == METADATA && is(key, n, "provenance")) {
        w->is_named = 1;
    } else if (level == METADATA && is(key, n, "run_id")) {
        w->is_named = 1;
        w->is_our_run = is_run_id(p, end);
    } else if (level == METADATA) {
        w->confirming += is_any(key, n, confirming);
    }
}

static unsigned two(bytes p) { return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0'); }

/* A time in UTC as we write it, "2026-01-01T00:00:00.123456+00:00", that exists. Such times sort as text. */
static bytes utc_time(bytes p, bytes end)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char form[] = "\"dddd-dd-ddTdd:dd:dd";
    if (end - p < 28)
        return NULL;
    for (int i = 0; form[i]; i++)
        if (form[i] == 'd' ? p[i] < '0' || p[i] > '9' : p[i] != (uint8_t)form[i])
            return NULL;
    unsigned year = two(p + 1) * 100 + two(p + 3), month = two(p + 6), day = two(p + 9);
    unsigned leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days[month - 1] + leap)
        return NULL;
    if (two(p + 12) > 23 || two(p + 15) > 59 || two(p + 18) > 59)
        return NULL;
    p += 20;
    if (*p == '.' && !(p = digits(p + 1, end, 1, 9)))
        return NULL;
    return word(p, end, "+00:00\"", 7);
}

/* An integer of at most 16 digits that is followed by the end of the value. */
static bytes seed(bytes p, bytes end)
{
    bytes start = p;
    if (p < end && *p == '-')
        p++;
    if (p < end && *p == '0')
        return p == start ? p + 1 : NULL;
    return digits(p, end, 1, 16);
}

static bytes slot(struct walk *w, bytes p, int own)
{
    bytes end;
    if (own == ANY)
        return value(w, p, 2);
    end = own == TIME ? utc_time(p, w->end) : seed(p, w->end);
    if (!end)
        return NULL;
    if (own == TIME) {
        w->line->time = (uint32_t)(p + 1 - w->data);
        w->line->time_size = (uint8_t)(end - p - 2);
    } else {
        w->line->seed = (uint32_t)(p - w->data);
        w->line->seed_size = (uint8_t)(end - p);
    }
    return end;
}

static bytes fits(struct walk *w, const struct shape *shape, bytes p)
{
    bytes text = shape->text;
    w->line->time_size = w->line->seed_size = 0;
    for (int i = 0;; i++) {
        if ((size_t)(w->end - p) < shape->piece[i] || memcmp(p, text, shape->piece[i]))
            return NULL;
        p += shape->piece[i];
        text += shape->piece[i];
        if (i == shape->slots)
            return p;
        if (!(p = slot(w, p, shape->own[i])))
            return NULL;
    }
}

/* A value in an object: where it is a record's own, its place is kept. */
static bytes member(struct walk *w, bytes p, enum level level, bytes key, size_t n, int depth);

static bytes object(struct walk *w, bytes p, enum level level, int depth)
{
    bytes key[KEYS];
    size_t size[KEYS];
    int keys = 0;
    p = blanks(p + 1, w->end);
    if (p < w->end && *p == '}')
        return p + 1;
    for (;;) {
        if (p >= w->end || *p != '"' || keys == KEYS)
            return NULL;
        bytes start = p + 1;
        if (!(p = string(start, w->end)))
            return NULL;
        size_t length = (size_t)(p - 1 - start);
        if (memchr(start, '\\', length))
            return NULL; /* two keys may be the same, spelled in two ways */
        for (int i = 0; i < keys; i++)
            if (size[i] == length && !memcmp(key[i], start, length))
                return NULL;
        key[keys] = start;
        size[keys++] = length;
        p = blanks(p, w->end);
        if (p >= w->end || *p != ':')
            return NULL;
        p = member(w, blanks(p + 1, w->end), level, start, length, depth);
        if (!p)
            return NULL;
        p = blanks(p, w->end);
        if (p < w->end && *p == '}')
            return p + 1;
        if (p >= w->end || *p != ',')
            return NULL;
        p = blanks(p + 1, w->end);
    }
}

static bytes member(struct walk *w, bytes p, enum level level, bytes key, size_t n, int depth)
{
    bytes end;
    int own;
    if (level == RECORD && is(key, n, "metadata")) {
        if (!w->learning)
            return metadata(w, p, depth);
        if (p >= w->end || *p != '{' || !(end = object(w, p, METADATA, depth + 1)))
            return NULL;
        w->metadata = p;
        return w->metadata_end = end;
    }
    if (!w->learning)
        return value(w, p, depth + 1);
    own = own_of(level, key, n);
    if (level == METADATA && p < w->end && *p == '{' && is(key, n, "generation_params"))
        end = object(w, p, PARAMS, depth + 1);
    else if (level == METADATA && p < w->end && *p == '{' && is(key, n, "provenance"))
        end = object(w, p, PROVENANCE, depth + 1);
    else
        end = value(w, p, depth + 1);
    if (end && (level == METADATA || level == PROVENANCE))
        noted(w, level, key, n, p, end);
    if (end && own >= 0) {
        if (w->slots == SLOTS)
            return NULL;
        w->slot[w->slots] = p;
        w->slot_end[w->slots] = end;
        w->own[w->slots++] = (uint8_t)own;
    }
    return end;
}

/* Are the pieces of the shape what stands between the slots that were walked over? */
static int is_shape(const struct shape *shape, const struct walk *found)
{
    bytes text = shape->text, from = found->metadata;
    if (shape->slots != found->slots || memcmp(shape->own, found->own, sizeof shape->own))
        return 0;
    for (int i = 0; i <= found->slots; i++) {
        bytes until = i < found->slots ? found->slot[i] : found->metadata_end;
        if (shape->piece[i] != (size_t)(until - from) || memcmp(text, from, shape->piece[i]))
            return 0;
        text += shape->piece[i];
        from = i < found->slots ? found->slot_end[i] : until;
    }
    return 1;
}

/* Metadata that are no object: null is none, anything else is not ours. */
static bytes scalar(struct walk *w, bytes p, int depth)
{
    bytes end = value(w, p, depth + 1);
    if (end && *p != 'n')
        w->line->shape = FOREIGN;
    return end;
}

/* The last shape that fitted is tried first; else the metadata are walked over once, and held against all. */
static bytes metadata(struct walk *w, bytes p, int depth)
{
    if (p < w->end && *p != '{')
        return scalar(w, p, depth);
    struct matcher *m = w->matcher;
    struct walk found = {.end = w->end, .learning = 1, .metadata = p};
    bytes end = m->shapes ? fits(w, &m->shape[m->last], p) : NULL;
    if (end) {
        w->line->shape = m->last;
        return end;
    }
    if (p >= w->end || !(found.metadata_end = object(&found, p, METADATA, depth + 1)))
        return NULL;
    for (int n = 0; n < m->shapes; n++)
        if (is_shape(&m->shape[n], &found)) {
            m->last = w->line->shape = n;
            return fits(w, &m->shape[n], p);
        }
    if (!is_foreign(&found))
        return NULL;
    w->line->time_size = w->line->seed_size = 0;
    w->line->shape = FOREIGN;
    return found.metadata_end;
}

static bytes array(struct walk *w, bytes p, int depth)
{
    p = blanks(p + 1, w->end);
    if (p < w->end && *p == ']')
        return p + 1;
    for (;;) {
        if (!(p = value(w, p, depth + 1)))
            return NULL;
        p = blanks(p, w->end);
        if (p < w->end && *p == ']')
            return p + 1;
        if (p >= w->end || *p != ',')
            return NULL;
        p = blanks(p + 1, w->end);
    }
}

static bytes value(struct walk *w, bytes p, int depth)
{
    if (p >= w->end || depth > DEPTH)
        return NULL;
    switch (*p) {
    case '"': return string(p + 1, w->end);
    case '{': return object(w, p, OTHER, depth);
    case '[': return array(w, p, depth);
    case 't': return word(p, w->end, "true", 4);
    case 'f': return word(p, w->end, "false", 5);
    case 'n': return word(p, w->end, "null", 4);
    default: return number(p, w->end);
    }
}

/* ---- what Python calls */

struct matcher *lineage_matcher(void) { return calloc(1, sizeof(struct matcher)); }

void lineage_matcher_free(struct matcher *m)
{
    for (int i = 0; i < m->shapes; i++)
        free(m->shape[i].text);
    free(m);
}

static int is_known(const struct matcher *m, const struct shape *shape, size_t size)
{
    for (int i = 0; i < m->shapes; i++) {
        const struct shape *one = &m->shape[i];
        if (one->slots == shape->slots && !memcmp(one->piece, shape->piece, sizeof one->piece) &&
            !memcmp(one->own, shape->own, sizeof one->own) && !memcmp(one->text, shape->text, size))
            return 1;
    }
    return 0;
}

/* Learn the shape of one line, without its ending. Returns its number; UNPROVED where it has none, is known, or there are too many. */
int32_t lineage_learn(struct matcher *m, bytes data, size_t n)
{
    struct walk w = {.end = data + n, .learning = 1};
    struct shape shape;
    bytes p = blanks(data, w.end), from;
    uint8_t *to;
    memset(&shape, 0, sizeof shape);
    if (m->shapes == SHAPES || p >= w.end || *p != '{' || !(p = object(&w, p, RECORD, 0)) || blanks(p, w.end) != w.end || !w.metadata)
        return UNPROVED;
    size_t size = (size_t)(w.metadata_end - w.metadata);
    if (!(shape.text = to = malloc(size)))
        return UNPROVED;
    shape.slots = w.slots;
    memcpy(shape.own, w.own, sizeof shape.own);
    from = w.metadata;
    for (int i = 0; i <= w.slots; i++) {
        bytes until = i < w.slots ? w.slot[i] : w.metadata_end;
        shape.piece[i] = (uint32_t)(until - from);
        memcpy(to, from, shape.piece[i]);
        to += shape.piece[i];
        from = i < w.slots ? w.slot_end[i] : until;
    }
    if (is_known(m, &shape, (size_t)(to - shape.text))) {
        free(shape.text);
        return UNPROVED;
    }
    m->shape[m->shapes] = shape;
    return m->shapes++;
}

static int is_empty(bytes p, bytes end)
{
    while (p < end && (is_blank(*p) || *p == '\v' || *p == '\f'))
        p++;
    return p == end;
}

static void matched(struct matcher *m, bytes data, struct line *line)
{
    bytes start = data + line->start, end = start + line->size, p;
    struct walk w = {.end = end, .matcher = m, .line = line, .data = data};
    line->shape = NO_METADATA;
    if (is_empty(start, end)) {
        line->shape = BLANK;
        return;
    }
    p = blanks(start, end);
    if (p >= end || *p != '{' || !(p = object(&w, p, RECORD, 0)) || blanks(p, end) != end)
        line->shape = UNPROVED;
}

/* Match the lines of *data* from *at* on, *capacity* of them at most; returns where it stopped. *n* is under 4 GiB. */
size_t lineage_match(struct matcher *m, bytes data, size_t n, size_t at, struct line *lines, size_t capacity, size_t *count)
{
    for (*count = 0; at < n && *count < capacity; ++*count) {
        bytes found = memchr(data + at, '\n', n - at);
        size_t next = found ? (size_t)(found - data) + 1 : n, end = next;
        struct line *line = &lines[*count];
        while (end > at && (data[end - 1] == '\n' || data[end - 1] == '\r'))
            end--;
        memset(line, 0, sizeof *line);
        line->start = (uint32_t)at;
        line->size = (uint32_t)(end - at);
        matched(m, data, line);
        at = next;
    }
    return at;
}

struct run { /* as Python reads it: `=iII` */
    int32_t shape;
    uint32_t first, last; /* the numbers of its lines, from 0 */
};

struct total { /* as Python reads it: `=iIIIIIBB6xqq` */
    int32_t shape;
    uint32_t first, count; /* the number of its first line, from 0, and how many there are */
    uint32_t seeds; /* how many of its lines have one */
    uint32_t early, late; /* where the earliest and the latest time stand */
    uint8_t early_size, late_size, unused[6];
    int64_t least, most; /* seed */
};

/* The sizes that Python counts on. */
typedef char line_is_24_bytes[sizeof(struct line) == 24 ? 1 : -1];
typedef char run_is_12_bytes[sizeof(struct run) == 12 ? 1 : -1];
typedef char total_is_48_bytes[sizeof(struct total) == 48 ? 1 : -1];

static int earlier(bytes data, uint32_t one, uint8_t n, uint32_t other, uint8_t m)
{
    int order = memcmp(data + one, data + other, n < m ? n : m);
    return order < 0 || (order == 0 && n < m);
}

static int64_t integer(bytes p, size_t n)
{
    int64_t sum = 0;
    int negative = *p == '-';
    for (size_t i = (size_t)negative; i < n; i++)
        sum = sum * 10 + (p[i] - '0');
    return negative ? -sum : sum;
}

static void joined(struct total *total, bytes data, const struct line *line)
{
    total->count++;
    if (line->time_size) {
        if (!total->early_size || earlier(data, line->time, line->time_size, total->early, total->early_size)) {
            total->early = line->time;
            total->early_size = line->time_size;
        }
        if (!total->late_size || earlier(data, total->late, total->late_size, line->time, line->time_size)) {
            total->late = line->time;
            total->late_size = line->time_size;
        }
    }
    if (line->seed_size) {
        int64_t seed = integer(data + line->seed, line->seed_size);
        total->least = total->seeds && total->least < seed ? total->least : seed;
        total->most = total->seeds && total->most > seed ? total->most : seed;
        total->seeds++;
    }
}

/* Fold *count* lines into runs; *runs* has room for as many. Lines that are UNPROVED are runs of one, BLANK ones are none. */
size_t lineage_runs(const struct line *lines, size_t count, struct run *runs)
{
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        struct run *run = made ? &runs[made - 1] : NULL;
        if (lines[i].shape == BLANK)
            continue;
        if (!run || run->shape != lines[i].shape || run->shape == UNPROVED || run->last + 1 != i) {
            run = &runs[made++];
            run->shape = lines[i].shape;
            run->first = (uint32_t)i;
        }
        run->last = (uint32_t)i;
    }
    return made;
}

/* Sum up the first *count* lines by their shapes, in the order in which those appear; *totals* has room for SHAPES. */
size_t lineage_totals(bytes data, const struct line *lines, size_t count, struct total *totals)
{
    struct total *of[SHAPES] = {0};
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t shape = lines[i].shape;
        if (shape < 0)
            continue;
        if (!of[shape]) {
            of[shape] = memset(&totals[made++], 0, sizeof *totals);
            of[shape]->shape = shape;
            of[shape]->first = (uint32_t)i;
        }
        joined(of[shape], data, &lines[i]);
    }
    return made;
}
