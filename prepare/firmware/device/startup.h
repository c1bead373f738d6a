#ifndef PADDOCK_STARTUP_H
#define PADDOCK_STARTUP_H

/* From here on a fault is told on the line and ends in a reset. Before, it is told and the core stops. */
void startup_done(void);

__attribute__((noreturn)) void restart(void);

#endif
