/* Makes the network of a program bad: calls on its TCP sockets move less than they were asked to,
 * find nothing (EAGAIN) or are interrupted (EINTR). Reads of files are treated alike, where they
 * must not wait for the disk as if nothing were in memory. Preloaded into the program.
 *
 * SHORT_COUNTS  a file with a number of eight bytes for each counter below, counted along
 * SHORT_SEED    another number, other faults
 *
 * Only sockets that are registered with epoll are touched, since they alone must expect this. Who
 * is told by edges takes a short count or EAGAIN for an empty or full socket, and waits for the
 * next edge; the kernel knows of none. So each such answer arms the descriptor anew, with what it
 * was registered for.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

enum counter {
    SENT_SHORT, SEND_AGAIN, SEND_INTERRUPTED,
    RECEIVED_SHORT, RECEIVE_AGAIN, RECEIVE_INTERRUPTED,
    FILE_SHORT, FILE_AGAIN, FILE_INTERRUPTED,
    ACCEPT_AGAIN, ACCEPT_INTERRUPTED,
    READ_SHORT, READ_AGAIN, READ_INTERRUPTED,
    ARMED_ANEW, COUNTERS
};

enum { DESCRIPTORS = 1 << 16, MAX_PARTS = 1024 };

/* What a descriptor was registered for. */
static struct registration {
    _Atomic int is_stream;
    int epoll;
    struct epoll_event event;
} registrations[DESCRIPTORS];

static _Atomic uint64_t nowhere[COUNTERS];
static _Atomic uint64_t *counts = nowhere;
static _Atomic uint64_t threads;

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SHORT_COUNTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *shared = mmap(NULL, sizeof nowhere, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared != MAP_FAILED) counts = shared;
    close(fd);
}

static void count(enum counter which) { atomic_fetch_add(&counts[which], 1); }

/* splitmix64, with a sequence for each thread. */
static uint64_t roll(void) {
    static _Thread_local uint64_t state;
    if (state == 0) {
        const char *seed = getenv("SHORT_SEED");
        uint64_t thread = atomic_fetch_add(&threads, 1) + 1;
        state = thread * 0xD1342543DE82EF95u + (seed ? strtoull(seed, NULL, 10) : 0);
    }
    state += 0x9E3779B97F4A7C15u;
    uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
}

static int is_tcp(int fd) {
    int domain = 0, type = 0;
    socklen_t size = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return 0;
    size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return 0;
    return type == SOCK_STREAM && (domain == AF_INET || domain == AF_INET6);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    int result = NEXT(epoll_ctl)(epoll, operation, fd, event);
    int error = errno;
    if (result == 0 && fd >= 0 && fd < DESCRIPTORS) {
        struct registration *registration = &registrations[fd];
        if (operation == EPOLL_CTL_DEL) {
            registration->is_stream = 0;
        } else {
            registration->epoll = epoll;
            registration->event = *event;
            registration->is_stream = is_tcp(fd);
        }
    }
    errno = error;
    return result;
}

static void arm_anew(int fd) {
    struct registration *registration = &registrations[fd];
    struct epoll_event event = registration->event;
    int error = errno;
    if (NEXT(epoll_ctl)(registration->epoll, EPOLL_CTL_MOD, fd, &event) == 0) count(ARMED_ANEW);
    errno = error;
}

/* Decides about a call that would move `wanted` bytes. Returns how many it may move, or -1 with
 * errno set. `kind` is the first of its three counters. */
static ssize_t decide(int fd, size_t wanted, enum counter kind) {
    if (fd < 0 || fd >= DESCRIPTORS || !registrations[fd].is_stream || wanted == 0)
        return wanted;
    uint64_t dice = roll();
    size_t part = wanted;
    switch (dice % 8) {
    case 0:
        count(kind + 1);
        arm_anew(fd);
        errno = EAGAIN;
        return -1;
    case 1:
        count(kind + 2);
        errno = EINTR;
        return -1;
    case 2: part = 1; break;
    case 3: part = 1 + (dice >> 8) % 64; break;
    case 4:
    case 5: part = wanted / 2 + 1; break;
    default: break;
    }
    return part < wanted ? (ssize_t)part : (ssize_t)wanted;
}

/* Counts a call that could move less than was asked for, and passes its result on. */
static ssize_t done(int fd, ssize_t moved, size_t allowed, size_t wanted, enum counter kind) {
    if (moved > 0 && allowed < wanted) {
        count(kind);
        arm_anew(fd);
    }
    return moved;
}

#define FAULTY(fd, wanted, kind, call)                                  \
    size_t all = (wanted);                                              \
    ssize_t n = decide(fd, all, kind);                                  \
    if (n < 0) return -1;                                               \
    return done(fd, call, n, all, kind)

ssize_t send(int fd, const void *from, size_t size, int flags) {
    FAULTY(fd, size, SENT_SHORT, NEXT(send)(fd, from, n, flags));
}

ssize_t sendto(int fd, const void *from, size_t size, int flags, const struct sockaddr *to,
               socklen_t length) {
    FAULTY(fd, size, SENT_SHORT, NEXT(sendto)(fd, from, n, flags, to, length));
}

ssize_t write(int fd, const void *from, size_t size) {
    FAULTY(fd, size, SENT_SHORT, NEXT(write)(fd, from, n));
}

ssize_t recv(int fd, void *to, size_t size, int flags) {
    FAULTY(fd, size, RECEIVED_SHORT, NEXT(recv)(fd, to, n, flags));
}

ssize_t recvfrom(int fd, void *to, size_t size, int flags, struct sockaddr *from,
                 socklen_t *length) {
    FAULTY(fd, size, RECEIVED_SHORT, NEXT(recvfrom)(fd, to, n, flags, from, length));
}

ssize_t sendfile(int fd, int file, off_t *at, size_t size) {
    FAULTY(fd, size, FILE_SHORT, NEXT(sendfile)(fd, file, at, n));
}

ssize_t sendfile64(int fd, int file, off64_t *at, size_t size) {
    FAULTY(fd, size, FILE_SHORT, NEXT(sendfile64)(fd, file, at, n));
}

int accept4(int fd, struct sockaddr *from, socklen_t *length, int flags) {
    /* No connection is accepted in part, so its counters lack the first of three. */
    if (decide(fd, 1, ACCEPT_AGAIN - 1) < 0) return -1;
    return NEXT(accept4)(fd, from, length, flags);
}

static size_t total(const struct iovec *parts, int n_parts) {
    size_t sum = 0;
    for (int i = 0; i < n_parts; i++) sum += parts[i].iov_len;
    return sum;
}

/* Copies the parts up to `size` bytes in all, and returns how many they are. */
static int cut(struct iovec *to, const struct iovec *from, int n_parts, size_t size) {
    int n_cut = 0;
    while (n_cut < n_parts && n_cut < MAX_PARTS && size > 0) {
        to[n_cut] = from[n_cut];
        if (to[n_cut].iov_len > size) to[n_cut].iov_len = size;
        size -= to[n_cut].iov_len;
        n_cut++;
    }
    return n_cut;
}

ssize_t writev(int fd, const struct iovec *parts, int n_parts) {
    struct iovec part[MAX_PARTS];
    FAULTY(fd, total(parts, n_parts), SENT_SHORT,
           NEXT(writev)(fd, part, cut(part, parts, n_parts, n)));
}

ssize_t readv(int fd, const struct iovec *parts, int n_parts) {
    struct iovec part[MAX_PARTS];
    FAULTY(fd, total(parts, n_parts), RECEIVED_SHORT,
           NEXT(readv)(fd, part, cut(part, parts, n_parts, n)));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    struct iovec part[MAX_PARTS];
    struct msghdr shorter = *message;
    shorter.msg_iov = part;
    FAULTY(fd, total(message->msg_iov, message->msg_iovlen), SENT_SHORT,
           (shorter.msg_iovlen = cut(part, message->msg_iov, message->msg_iovlen, n),
            NEXT(sendmsg)(fd, &shorter, flags)));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    struct iovec part[MAX_PARTS];
    struct iovec *whole = message->msg_iov;
    size_t n_whole = message->msg_iovlen, all = total(whole, n_whole);
    ssize_t n = decide(fd, all, RECEIVED_SHORT);
    if (n < 0) return -1;
    message->msg_iov = part;
    message->msg_iovlen = cut(part, whole, n_whole, n);
    ssize_t moved = NEXT(recvmsg)(fd, message, flags);
    message->msg_iov = whole;
    message->msg_iovlen = n_whole;
    return done(fd, moved, n, all, RECEIVED_SHORT);
}

/* Decides about a read of a file. */
static ssize_t decide_file(int fd, size_t wanted, int flags) {
    struct stat about;
    if (wanted == 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return wanted;
    uint64_t dice = roll();
    switch (dice % 8) {
    case 0:
        count(READ_INTERRUPTED);
        errno = EINTR;
        return -1;
    case 1:
        if (!(flags & RWF_NOWAIT)) return wanted;
        count(READ_AGAIN);
        errno = EAGAIN;
        return -1;
    case 2:
    case 3:
        if (wanted == 1) return wanted;
        count(READ_SHORT);
        return 1 + (dice >> 8) % (wanted - 1);
    default: return wanted;
    }
}

#define FAULTY_FILE(fd, wanted, flags, call)                            \
    ssize_t n = decide_file(fd, wanted, flags);                         \
    if (n < 0) return -1;                                               \
    return call

ssize_t read(int fd, void *to, size_t size) {
    if (fd < 0 || fd >= DESCRIPTORS || !registrations[fd].is_stream) {
        FAULTY_FILE(fd, size, 0, NEXT(read)(fd, to, n));
    }
    FAULTY(fd, size, RECEIVED_SHORT, NEXT(read)(fd, to, n));
}

ssize_t pread(int fd, void *to, size_t size, off_t at) {
    FAULTY_FILE(fd, size, 0, NEXT(pread)(fd, to, n, at));
}

ssize_t pread64(int fd, void *to, size_t size, off64_t at) {
    FAULTY_FILE(fd, size, 0, NEXT(pread64)(fd, to, n, at));
}

ssize_t preadv2(int fd, const struct iovec *parts, int n_parts, off_t at, int flags) {
    struct iovec part[MAX_PARTS];
    FAULTY_FILE(fd, total(parts, n_parts), flags,
                NEXT(preadv2)(fd, part, cut(part, parts, n_parts, n), at, flags));
}

ssize_t preadv64v2(int fd, const struct iovec *parts, int n_parts, off64_t at, int flags) {
    struct iovec part[MAX_PARTS];
    FAULTY_FILE(fd, total(parts, n_parts), flags,
                NEXT(preadv64v2)(fd, part, cut(part, parts, n_parts, n), at, flags));
}
