/* compiler.h - what every file may assume of GCC and Clang. */
#ifndef INCLUDE_COMPILER_H
#define INCLUDE_COMPILER_H

#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __noreturn	__attribute__((noreturn))
#define __printf(f, a)	__attribute__((format(printf, f, a)))
#define __noinline	__attribute__((noinline))
#define __cold		__attribute__((cold))
#define __section(s)	__attribute__((section(s)))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* Read or write a location that a guest or another CPU changes: once. */
#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#endif
