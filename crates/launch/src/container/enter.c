/* The first program of a server's container.
 *
 * It reads from standard input, which is the engine's attach stream, what the server is to be started with, starts it, and
 * stays as its parent, closed to it: reaps what is left behind, passes signals on, and ends with the server. So arguments and environment stand in no request to the engine, no file and no list of processes outside,
 * and nothing of the server runs before the gateway has said so. It has to run in every image, whatever C library that
 * has or lacks; hence no library at all, and a language whose compiler makes that of it without ado.
 *
 * With two arguments, a port and a path, it first listens on that port of the loopback here, and hands what listens to
 * whoever waits behind the socket at that path: that is how the gateway comes into a network that it may not enter.
 *
 * What it reads: three numbers of 32 bits, little-endian (arguments, variables, bytes), then so many bytes: the
 * arguments and then the variables, `NAME=value`, each ended by a zero. Sent by `enter.rs`.
 */

typedef unsigned long word;
typedef unsigned int number;

enum { BYTES_MAX = 1 << 20, STRINGS_MAX = 4096, PATH_BYTES_MAX = 4096 };
enum { NO_ENTRY = 2, NO_EXEC = 8, NO_ACCESS = 13, NOT_A_FOLDER = 20 };

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, SIGPROCMASK = 14, SOCKET = 41, CONNECT = 42, SENDMSG = 46, BIND = 49, LISTEN = 50, CLONE = 56, EXECVE = 59, WAIT4 = 61, KILL = 62,
       SIGTIMEDWAIT = 128, PRCTL = 157, EXIT_GROUP = 231 };

static long call4(long name, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(result) : "a"(name), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}

/* The kernel leaves the count of arguments and what follows it where the stack begins. */
__asm__(".globl _start\n_start:\n  xor %rbp,%rbp\n  mov %rsp,%rdi\n  and $-16,%rsp\n  call enter\n  hlt\n");
#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, CLOSE = 57, SIGPROCMASK = 135, SOCKET = 198, BIND = 200, LISTEN = 201, CONNECT = 203, SENDMSG = 211, CLONE = 220, EXECVE = 221, WAIT4 = 260, KILL = 129,
       SIGTIMEDWAIT = 137, PRCTL = 167, EXIT_GROUP = 94 };

static long call4(long name, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = name;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}

__asm__(".globl _start\n_start:\n  mov x29,#0\n  mov x0,sp\n  bl enter\n  brk #0\n");
#else
#error "containers are not known on this processor"
#endif

enum { CHLD = 17, SET_DUMPABLE = 4, SET_MASK = 2, MASK_BYTES = 8, NO_HANG = 1 };

static long call(long name, long a, long b, long c) { return call4(name, a, b, c, 0); }

static char bytes[BYTES_MAX];
static char *strings[STRINGS_MAX + 2];
static char path[PATH_BYTES_MAX];

static word length(const char *text) {
  word n = 0;
  while (text[n]) n++;
  return n;
}

static void say(const char *text) { call(WRITE, 2, (long)text, (long)length(text)); }

static void leave(int code) {
  for (;;) call(EXIT_GROUP, code, 0, 0);
}

static void fail(const char *why) {
  say("portolan: ");
  say(why);
  say("\n");
  leave(125);
}

static void take(void *to, word wanted) {
  for (word had = 0; had < wanted;) {
    long got = call(READ, 0, (long)((char *)to + had), (long)(wanted - had));
    if (got == -4) continue;
    if (got <= 0) leave(0); /* Nobody wants a server any more. */
    had += (word)got;
  }
}

static struct { unsigned short family; unsigned char port[2], address[4], rest[8]; } here = {2, {0}, {127, 0, 0, 1}, {0}};
static struct { unsigned short family; char path[108]; } gateway = {1, {0}};
static struct { word size; int level, kind, door, rest; } handed = {20, 1, 1, 0, 0};
static struct { void *bytes; word size; } something = {"door", 4};
static struct { void *to; word to_size, *parts; word count; void *handed; word handed_size, flags; } letter = {
    0, 0, (word *)&something, 1, &handed, sizeof handed, 0};

/* Listens on a port of the loopback, and hands what listens over. */
static void open_door(const char *port, const char *to) {
  number n = 0;
  for (; *port >= '0' && *port <= '9'; port++) n = n * 10 + (number)(*port - '0');
  here.port[0] = n >> 8 & 255, here.port[1] = n & 255;
  if (length(to) >= sizeof gateway.path) fail("the way to its gateway is too long");
  for (word i = 0; to[i]; i++) gateway.path[i] = to[i];
  long door = call(SOCKET, 2, 1, 0), way = call(SOCKET, 1, 1, 0);
  if (door < 0 || call(BIND, door, (long)&here, sizeof here) || call(LISTEN, door, 64, 0))
    fail("nothing can listen in its network");
  handed.door = (int)door;
  if (way < 0 || call(CONNECT, way, (long)&gateway, sizeof gateway) || call(SENDMSG, way, (long)&letter, 0) < 0)
    fail("its gateway cannot be reached by a socket in a file; the engine may be on another machine");
  call(CLOSE, way, 0, 0);
  call(CLOSE, door, 0, 0);
}

/* Whether two variables have the same name. */
static int same_name(const char *a, const char *b) {
  while (*a == *b && *a && *a != '=') a++, b++;
  return *a == '=' && *b == '=';
}

static long run(const char *program, char **arguments, char **variables) {
  return -call(EXECVE, (long)program, (long)arguments, (long)variables);
}

static long search(char **arguments, char **variables) {
  const char *name = arguments[0], *folders = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  long worst = NO_ENTRY;
  for (const char *c = name; *c; c++)
    if (*c == '/') return run(name, arguments, variables);
  for (char **v = variables; *v; v++)
    if (same_name(*v, "PATH=")) folders = *v + 5;
  while (*folders) {
    word n = 0, of_name = length(name);
    while (folders[n] && folders[n] != ':') n++;
    if (n && n + of_name + 2 <= PATH_BYTES_MAX) {
      for (word i = 0; i < n; i++) path[i] = folders[i];
      path[n] = '/';
      for (word i = 0; i <= of_name; i++) path[n + 1 + i] = name[i];
      long why = run(path, arguments, variables);
      if (why != NO_ENTRY && why != NOT_A_FOLDER && why != NO_ACCESS) return why;
      if (why == NO_ACCESS) worst = why;
    }
    folders += n + (folders[n] == ':');
  }
  return worst;
}

/* Until the server has ended: its own end, or by which signal, is ours. */
static void watch(long server, const unsigned long *all) {
  for (int fd = 0; fd < 3; fd++) call(CLOSE, fd, 0, 0); /* The server's alone. */
  for (;;) {
    long signal = call4(SIGTIMEDWAIT, (long)all, 0, 0, MASK_BYTES);
    if (signal > 0 && signal != CHLD) call(KILL, server, signal, 0);
    if (signal != CHLD) continue;
    for (;;) {
      int status = 0;
      long ended = call4(WAIT4, -1, (long)&status, NO_HANG, 0);
      if (ended <= 0) break;
      if (ended == server) leave(status & 127 ? 128 + (status & 127) : status >> 8 & 255);
    }
  }
}

__attribute__((used)) void enter(word *stack) {
  char **given = (char **)(stack + stack[0] + 2);
  if (stack[0] == 3) open_door((char *)stack[2], (char *)stack[3]);
  number head[3];
  take(head, sizeof head);
  if (head[0] < 1 || head[2] < 1 || head[2] > BYTES_MAX || head[0] > STRINGS_MAX || head[1] > STRINGS_MAX ||
      head[0] + head[1] > STRINGS_MAX / 2)
    fail("what it was to be started with is too much, or no sense");
  take(bytes, head[2]);
  if (bytes[head[2] - 1]) fail("what it was to be started with is no sense");

  word at = 0, n = 0;
  for (; n < head[0] + head[1]; n++) {
    if (at >= head[2]) fail("what it was to be started with is no sense");
    strings[n + (n >= head[0])] = bytes + at; /* A zero after the arguments. */
    at += length(bytes + at) + 1;
  }
  char **arguments = strings, **variables = strings + head[0] + 1;
  word count = head[1];
  for (; *given; given++) {
    word i = 0;
    while (i < head[1] && !same_name(*given, variables[i])) i++;
    if (i == head[1] && head[0] + 1 + count < STRINGS_MAX) variables[count++] = *given;
  }

  /* What stands in our memory, and we ourselves, are none of the server's business. */
  call(PRCTL, SET_DUMPABLE, 0, 0);
  unsigned long all = ~0ul, before = 0;
  call4(SIGPROCMASK, SET_MASK, (long)&all, (long)&before, MASK_BYTES);
  long server = call4(CLONE, CHLD, 0, 0, 0);
  if (server < 0) fail("no process could be started for it");
  if (server) watch(server, &all);
  call4(SIGPROCMASK, SET_MASK, (long)&before, 0, MASK_BYTES);

  long why = search(arguments, variables);
  say("portolan: \"");
  say(arguments[0]);
  say(why == NO_ENTRY    ? "\" is not in the image, or what it needs to run is not\n"
      : why == NO_ACCESS ? "\" may not be run by the user of the container\n"
      : why == NO_EXEC   ? "\" is made for another machine than this one, or is a script without a #! line\n"
                         : "\" cannot be run\n");
  leave(why == NO_ENTRY ? 127 : 126);
}
