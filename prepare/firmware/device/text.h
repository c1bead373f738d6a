/* The text protocol of the EEMBC / MLPerf Tiny runner: commands that end with '%', answers in lines that begin with m- or e-. */
#ifndef PADDOCK_TEXT_H
#define PADDOCK_TEXT_H

/* What is said at start. */
void text_greet(void);

/* The inputs come on another way: what `db` loaded is not waited for. */
void text_forget_load(void);

/* A command begins; what was collected of another is forgotten. */
void text_begin(void);
/* The next character; at '%' the command is carried out. */
void text_take(char character);

#endif
