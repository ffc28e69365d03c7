/* The compiled class `Batch`: what lineage.recording.batch.Batch is, and `put`, which writes a record.
 *
 * `put` builds the line, writes it, looks where the file ends and counts the record in one call. No
 * signal handler of Python runs in it, except where the system call was interrupted before it wrote.
 * An error of the system is raised with nothing written. A line that was cut short, or that is not
 * where the file was expected to end, is handed back: appending.py deals with it.
 * The caller lets one thread in at a time; `is_busy` keeps memory safe if it does not.
 */
#define _GNU_SOURCE /* memmem */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <structmember.h>
#include <time.h>
#include <unistd.h>

enum { UNKNOWN = -1, ROOM = 1 << 20, NUMBER = 24, CLOCK = 32 }; /* bytes; ROOM: kept from batch to batch */
enum { RECORD, BODY, BEFORE, SEED, AFTER, TIME, INDEX, EXTRA, WAITING, ARGUMENTS }; /* of put */

typedef struct {
    PyObject_HEAD
    long long end;            /* where the file ends, or UNKNOWN */
    long long last;           /* index of the last record, if the last `put` wrote any of it; else UNKNOWN */
    long long count;          /* lines so far */
    Py_ssize_t size, room;    /* bytes in text, and for how many there is room */
    char *text;               /* lines that are not hashed yet; the line that is being written follows */
    int descriptor, is_kept, is_busy;
    long long second;         /* of the last record, since 1970, and its text */
    size_t clock_size;
    char clock[CLOCK];
} Batch;

typedef struct {
    const char *text;
    Py_ssize_t size;
} Piece;

static int is_free(const Batch *self)
{
    if (self->is_busy)
        PyErr_SetString(PyExc_RuntimeError, "another thread writes the batch");
    return !self->is_busy;
}

static int is_piece(PyObject *value, Piece *piece)
{
    char *text = NULL;
    int failed = PyBytes_AsStringAndSize(value, &text, &piece->size);
    piece->text = text;
    return !failed;
}

/* Write *value* at the end of the NUMBER bytes of *room*, with at least *least* digits. */
static Piece digits(char *room, long long value, int least)
{
    unsigned long long left = value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;
    char *p = room + NUMBER;
    for (; left || least > 0; left /= 10, least--)
        *--p = (char)('0' + left % 10);
    if (value < 0)
        *--p = '-';
    return (Piece){p, room + NUMBER - p};
}

/* Set *piece* to the text of a seed; *kept* owns the text of a number of more than 64 bits. */
static int is_seed(PyObject *value, char *room, PyObject **kept, Piece *piece)
{
    int overflow = 0;
    *piece = (Piece){"", 0};
    if (value == Py_None)
        return 1;
    long long seed = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow)
        return (*kept = PyObject_Str(value)) && (piece->text = PyUnicode_AsUTF8AndSize(*kept, &piece->size));
    *piece = digits(room, seed, 1);
    return seed != -1 || !PyErr_Occurred();
}

/* Set the clock to the second of *micros*, and *part* to what is beyond it. */
static int is_on_time(Batch *self, long long micros, long long *part)
{
    *part = (micros % 1000000 + 1000000) % 1000000;
    time_t second = (time_t)((micros - *part) / 1000000);
    struct tm parts;
    if (second == self->second && self->clock_size)
        return 1;
    self->second = second;
    self->clock_size = gmtime_r(&second, &parts) ? strftime(self->clock, CLOCK, "%Y-%m-%dT%H:%M:%S.", &parts) : 0;
    if (!self->clock_size)
        PyErr_SetString(PyExc_OverflowError, "no calendar has the time of the clock");
    return self->clock_size != 0;
}

/* Return whether a null in the text may stand for a number that JSON lacks: simple values become none. */
static int has_null(PyObject *record, Piece body)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    int is_simple = PyDict_CheckExact(record);
    while (is_simple && PyDict_Next(record, &at, &key, &value))
        is_simple = PyUnicode_CheckExact(value) || PyLong_CheckExact(value) || PyBool_Check(value) || value == Py_None;
    return !is_simple && memmem(body.text, (size_t)body.size, "null", 4);
}

/* Put *count* pieces behind the text; return their size, or -1 with an exception. */
static Py_ssize_t built(Batch *self, const Piece *pieces, int count)
{
    Py_ssize_t size = 0;
    for (int i = 0; i < count && size >= 0; i++)
        size = pieces[i].size > PY_SSIZE_T_MAX / 4 - self->size - size ? -1 : size + pieces[i].size;
    if (size > self->room - self->size) {
        char *text = PyMem_Realloc(self->text, (size_t)(self->size + size) * 2);
        self->room = text ? (self->size + size) * 2 : self->room;
        self->text = text ? text : self->text;
        size = text ? size : -1;
    }
    if (size < 0) {
        PyErr_NoMemory();
        return -1;
    }
    char *p = self->text + self->size;
    for (int i = 0; i < count; p += pieces[i++].size)
        memcpy(p, pieces[i].text, (size_t)pieces[i].size);
    return size;
}

/* Write the line behind the text. Return how many bytes were written, or -1 with an exception. */
static Py_ssize_t written(Batch *self, Py_ssize_t size, long long *place)
{
    Py_ssize_t done;
    int error, is_raised = 0;
    self->is_busy = 1;
    do { /* again after a signal whose handler raised nothing (PEP 475) */
        Py_BEGIN_ALLOW_THREADS
        done = write(self->descriptor, self->text + self->size, (size_t)(size < INT_MAX ? size : INT_MAX));
        error = errno;
        *place = done == size ? lseek(self->descriptor, 0, SEEK_CUR) : UNKNOWN;
        Py_END_ALLOW_THREADS
    } while (done < 0 && error == EINTR && !(is_raised = PyErr_CheckSignals() < 0));
    self->is_busy = 0;
    errno = error;
    if (done < 0 && !is_raised)
        PyErr_SetFromErrno(PyExc_OSError);
    return done;
}

/* Write the line of *size* bytes behind the text, and count it with its *row*: number, time, seed. */
static PyObject *put_line(Batch *self, Py_ssize_t size, long long index, PyObject *waiting, PyObject *row)
{
    long long place, end = self->end;
    Py_ssize_t rows = PyList_Size(waiting), done = rows < 0 ? -1 : written(self, size, &place);
    if (done < 0)
        return NULL;
    self->last = index;
    if (end < 0 || place != end + size) {
        self->end = UNKNOWN;
        return Py_BuildValue("(y#nL)", self->text + self->size, size, done, end);
    }
    self->end = place;
    if (self->is_kept) {
        self->size += size;
        self->count++;
        if (PyList_SetSlice(waiting, rows, rows, row) < 0)
            return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *put(Batch *self, PyObject *const *given, Py_ssize_t count)
{
    char seed_room[NUMBER], index_room[NUMBER], part_room[NUMBER];
    Piece body, before, seed, after, extra;
    if (count != ARGUMENTS)
        return PyErr_Format(PyExc_TypeError, "put() takes %d arguments, not %zd", ARGUMENTS, count);
    self->last = UNKNOWN;
    long long part, micros = PyLong_AsLongLong(given[TIME]), index = PyLong_AsLongLong(given[INDEX]);
    if (PyErr_Occurred() || !is_free(self) || !is_piece(given[BODY], &body) || !is_piece(given[BEFORE], &before) ||
        !is_piece(given[AFTER], &after) || !is_piece(given[EXTRA], &extra))
        return NULL;
    if (has_null(given[RECORD], body))
        Py_RETURN_FALSE;
    int is_empty = body.size <= 2 && before.size; /* {} is followed by no comma */
    PyObject *kept = NULL, *answer = NULL;
    PyObject *number = PyLong_FromLongLong(self->count + 1);
    PyObject *row = number ? PyTuple_Pack(3, number, given[TIME], given[SEED]) : NULL;
    if (row && is_seed(given[SEED], seed_room, &kept, &seed) && is_on_time(self, micros, &part)) {
        Piece pieces[] = {
            {body.text, body.size - (body.size > 0)}, {before.text + is_empty, before.size - is_empty}, seed, after,
            {self->clock, (Py_ssize_t)self->clock_size}, digits(part_room, part, 6),
            {"+00:00\",\"record_index\":", 23}, digits(index_room, index, 1), extra, {"}}\n", 3},
        };
        Py_ssize_t size = built(self, pieces, sizeof pieces / sizeof *pieces);
        answer = size < 0 ? NULL : put_line(self, size, index, given[WAITING], row);
    }
    Py_XDECREF(number);
    Py_XDECREF(row);
    Py_XDECREF(kept);
    return answer;
}

static PyObject *add(Batch *self, PyObject *line)
{
    Piece piece;
    if (!is_free(self) || !is_piece(line, &piece) || (self->is_kept && built(self, &piece, 1) < 0))
        return NULL;
    self->size += self->is_kept ? piece.size : 0;
    self->count += self->is_kept;
    Py_RETURN_NONE;
}

static void release(Batch *self)
{
    PyMem_Free(self->text);
    self->text = NULL;
    self->size = self->room = 0;
}

static PyObject *take(Batch *self, PyObject *Py_UNUSED(unused))
{
    PyObject *text = is_free(self) ? PyBytes_FromStringAndSize(self->text, self->size) : NULL;
    if (text && self->room > ROOM)
        release(self);
    self->size = text ? 0 : self->size;
    return text;
}

static PyObject *stop(Batch *self, PyObject *Py_UNUSED(unused))
{
    if (!is_free(self))
        return NULL;
    self->is_kept = 0;
    release(self);
    Py_RETURN_NONE;
}

static int begin(Batch *self, PyObject *given, PyObject *Py_UNUSED(named))
{
    self->is_kept = 1;
    self->last = UNKNOWN;
    return PyArg_ParseTuple(given, "i", &self->descriptor) ? 0 : -1;
}

static void ended(Batch *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    PyMem_Free(self->text);
    PyObject_Free(self);
    Py_DECREF(type);
}

#define METHOD(name) (PyCFunction)(void (*)(void))name
static PyMethodDef methods[] = {
    {"put", METHOD(put), METH_FASTCALL, NULL},
    {"add", METHOD(add), METH_O, NULL},
    {"take", METHOD(take), METH_NOARGS, NULL},
    {"stop", METHOD(stop), METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyMemberDef members[] = {
    {"end", T_LONGLONG, offsetof(Batch, end), 0, NULL},
    {"last", T_LONGLONG, offsetof(Batch, last), READONLY, NULL},
    {"count", T_LONGLONG, offsetof(Batch, count), READONLY, NULL},
    {"size", T_PYSSIZET, offsetof(Batch, size), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, PyType_GenericNew}, {Py_tp_init, begin},      {Py_tp_dealloc, ended},
    {Py_tp_methods, methods},       {Py_tp_members, members}, {0, NULL},
};
static PyType_Spec spec = {"lineage.kernel.batch.Batch", sizeof(Batch), 0, Py_TPFLAGS_DEFAULT, slots};

static int filled(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    int is_added = type && PyModule_AddType(module, (PyTypeObject *)type) == 0;
    Py_XDECREF(type);
    return is_added ? PyModule_AddStringConstant(module, "source", SOURCE) : -1;
}

static PyModuleDef_Slot steps[] = {{Py_mod_exec, filled}, {0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "batch", NULL, 0, NULL, steps, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_batch(void) { return PyModuleDef_Init(&definition); }
