// The tape walker (walk.h) and the check that a tape is whole.
#include "walk.h"
#include "kernels.h"

typedef struct {
  shared_run *run;
  context *context;
  uint32_t segment; // number of the segment that is next
  int64_t before;   // groups of all segments before it
} walker;

enum { NO_GROUP = -1 };

static int64_t take_group(shared_run *run, uint32_t segment, int64_t groups) {
  uint64_t seen = atomic_load_explicit(&run->ticket, memory_order_relaxed);
  for (;;) {
    int32_t behind = (int32_t)(segment - (uint32_t)(seen >> 32));
    if (behind < 0) return NO_GROUP;
    int64_t group = behind > 0 ? 0 : (int64_t)(uint32_t)seen;
    if (group >= groups) return NO_GROUP;
    uint64_t next = (uint64_t)segment << 32 | (uint64_t)(group + 1);
    if (atomic_compare_exchange_weak_explicit(&run->ticket, &seen, next, memory_order_relaxed, memory_order_relaxed)) {
      return group;
    }
  }
}

static void add_time(const walker *w, const void *where, int64_t since) {
  int64_t *sum = w->run->nanoseconds + ((const word *)where - w->run->tape);
  atomic_fetch_add_explicit((_Atomic int64_t *)sum, nanoseconds_now() - since, memory_order_relaxed);
}

static void run_instruction(walker *w, const header *h) {
  context *c = w->context;
  int64_t begin = c->group * h->rows_per_group, end = smaller(begin + h->rows_per_group, h->rows);
  if (begin >= end) return;
  c->origin = begin;
  if (w->run->nanoseconds == NULL) {
    kernel_of(h->opcode)(c, h, begin, end);
  } else {
    int64_t since = nanoseconds_now();
    kernel_of(h->opcode)(c, h, begin, end);
    add_time(w, h, since);
  }
}

// Runs `count` instructions, those inside inner loops counted; returns the word after them.
static const word *run_instructions(walker *w, const word *at, int64_t count) {
  context *c = w->context;
  for (int64_t i = 0; i < count; i++) {
    const header *h = (const header *)at;
    at += h->words;
    if (h->opcode != OP_INNER_LOOP) {
      run_instruction(w, h);
      continue;
    }
    const inner_loop *loop = (const inner_loop *)h;
    const word *body = at;
    int depth = c->depth++;
    for (int64_t turn = 0; turn < loop->repeat; turn++) {
      c->loop[depth] = turn;
      run_instructions(w, body, loop->count);
    }
    c->depth = depth;
    for (int64_t skipped = 0; skipped < loop->count; skipped++) at += ((const header *)at)->words;
    i += loop->count;
  }
  return at;
}

static void run_segment(walker *w, const entry *e) {
  if (e->barrier) {
    int64_t since = w->run->nanoseconds == NULL ? 0 : nanoseconds_now();
    await_groups(w->run, w->before);
    if (w->run->nanoseconds != NULL) add_time(w, e, since);
  }
  int64_t finished = 0, group;
  while ((group = take_group(w->run, w->segment, e->groups)) != NO_GROUP) {
    w->context->group = group;
    run_instructions(w, (const word *)(e + 1), e->count);
    finished++;
  }
  if (finished > 0) add_groups(w->run, finished);
  w->segment++;
  w->before += e->groups;
}

static const word *walk_entries(walker *w, const word *at, const word *end, int64_t count) {
  context *c = w->context;
  for (int64_t i = 0; i < count && at < end; i++) {
    const entry *e = (const entry *)at;
    const word *after = at + e->words;
    if (e->kind == ENTRY_SEGMENT) {
      run_segment(w, e);
    } else {
      int depth = c->depth++;
      for (int64_t turn = 0; turn < e->groups; turn++) {
        c->loop[depth] = turn;
        walk_entries(w, (const word *)(e + 1), after, e->count);
      }
      c->depth = depth;
    }
    at = after;
  }
  return at;
}

int64_t walk(shared_run *run, context *own) {
  // Number 0 is the state before the first segment, so that every segment starts by claiming the ticket.
  walker w = {.run = run, .context = own, .segment = 1, .before = 0};
  own->depth = 0;
  walk_entries(&w, run->tape, run->tape + run->words, INT64_MAX);
  return w.before;
}

static int64_t words_of(int64_t bytes) { return bytes / (int64_t)sizeof(word); }

// The words that an instruction takes, or 0 if it is broken: within `room` words, of a known opcode, all its rows run.
static int64_t instruction_words(const word *at, int64_t room, int64_t groups) {
  const header *h = (const header *)at;
  if (room < words_of(sizeof(header)) || h->words < words_of(sizeof(header)) || h->words > room) return 0;
  if (h->opcode == OP_INNER_LOOP) return h->words == words_of(sizeof(inner_loop)) ? h->words : 0;
  if (kernel_of(h->opcode) == NULL || h->rows < 0 || h->rows_per_group < 0) return 0;
  return groups * h->rows_per_group >= h->rows ? h->words : 0;
}

// Checks `count` instructions in [at, end); advances *at past them, or leaves it at the one that is broken.
static int instructions_hold(const word **at, const word *end, int64_t count, int64_t groups, int depth) {
  for (int64_t i = 0; i < count; i++) {
    int64_t words = instruction_words(*at, end - *at, groups);
    if (words == 0) return 0;
    const inner_loop *loop = (const inner_loop *)*at;
    if (loop->h.opcode == OP_INNER_LOOP) {
      if (depth == MAX_LOOPS || loop->count < 0 || loop->count > count - i - 1) return 0;
      *at += words;
      if (!instructions_hold(at, end, loop->count, groups, depth + 1)) return 0;
      i += loop->count;
    } else {
      *at += words;
    }
  }
  return 1;
}

// Checks `count` entries (or as many as there are, if it is negative) that must fill [*at, end).
static int entries_hold(const word **at, const word *end, int64_t count, int depth) {
  for (int64_t i = 0; i != count && (count >= 0 || *at < end); i++) {
    const entry *e = (const entry *)*at;
    int64_t room = end - *at, least = words_of(sizeof(entry));
    if (room < least || e->words < least || e->words > room || e->groups < 0 || e->count < 0) return 0;
    const word *after = *at + e->words, *inside = *at + least;
    int whole;
    if (e->kind == ENTRY_SEGMENT) {
      whole = instructions_hold(&inside, after, e->count, e->groups, depth);
    } else if (e->kind == ENTRY_LOOP && depth < MAX_LOOPS) {
      whole = entries_hold(&inside, after, e->count, depth + 1);
    } else {
      return 0;
    }
    if (!whole || inside != after) {
      if (!whole) *at = inside;
      return 0;
    }
    *at = after;
  }
  return *at == end;
}

int64_t find_fault(const word *tape, int64_t words) {
  const word *at = tape;
  return entries_hold(&at, tape + words, -1, 0) ? 0 : at - tape + 1;
}
