/* Makes one file look cold: reads that must not wait find nothing in memory, reads that may wait
 * do so until a gate is opened. Preloaded into the server.
 *
 * COLD_BYTES  length by which the file is known
 * COLD_FROM   offset of its first cold byte
 * COLD_WAITS  this file is made when a read begins to wait
 * COLD_GATE   reads wait until this file is there
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

/* The test fails long before. */
static const int MAX_TURNS = 12000;

static int is_cold(int fd, off_t end) {
    const char *length = getenv("COLD_BYTES");
    struct stat about;
    return length && fstat(fd, &about) == 0 && S_ISREG(about.st_mode) &&
           about.st_size == atoll(length) && end > atoll(getenv("COLD_FROM")) &&
           access(getenv("COLD_GATE"), F_OK) != 0;
}

static void wait_for_gate(int fd, off_t end) {
    if (!is_cold(fd, end)) return;
    int mark = open(getenv("COLD_WAITS"), O_CREAT | O_WRONLY, 0600);
    if (mark >= 0) close(mark);
    for (int turn = 0; turn < MAX_TURNS && access(getenv("COLD_GATE"), F_OK) != 0; turn++)
        usleep(10000);
}

static off_t total(const struct iovec *parts, int n) {
    off_t sum = 0;
    for (int i = 0; i < n; i++) sum += parts[i].iov_len;
    return sum;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pread(int fd, void *to, size_t n, off_t at) {
    wait_for_gate(fd, at + n);
    return NEXT(pread)(fd, to, n, at);
}

ssize_t pread64(int fd, void *to, size_t n, off64_t at) {
    wait_for_gate(fd, at + n);
    return NEXT(pread64)(fd, to, n, at);
}

ssize_t preadv(int fd, const struct iovec *to, int n, off_t at) {
    wait_for_gate(fd, at + total(to, n));
    return NEXT(preadv)(fd, to, n, at);
}

ssize_t preadv64(int fd, const struct iovec *to, int n, off64_t at) {
    wait_for_gate(fd, at + total(to, n));
    return NEXT(preadv64)(fd, to, n, at);
}

static int must_not_wait(int fd, off_t end, int flags) {
    if (!(flags & RWF_NOWAIT)) {
        wait_for_gate(fd, end);
        return 0;
    }
    if (!is_cold(fd, end)) return 0;
    errno = EAGAIN;
    return 1;
}

ssize_t preadv2(int fd, const struct iovec *to, int n, off_t at, int flags) {
    if (must_not_wait(fd, at + total(to, n), flags)) return -1;
    return NEXT(preadv2)(fd, to, n, at, flags);
}

ssize_t preadv64v2(int fd, const struct iovec *to, int n, off64_t at, int flags) {
    if (must_not_wait(fd, at + total(to, n), flags)) return -1;
    return NEXT(preadv64v2)(fd, to, n, at, flags);
}

/* From the start on, as long as nobody seeks. */
ssize_t read(int fd, void *to, size_t n) {
    wait_for_gate(fd, n);
    return NEXT(read)(fd, to, n);
}
