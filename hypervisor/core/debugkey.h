/* debugkey.h - what `xl debug-keys` prints into the log. */
#ifndef CORE_DEBUGKEY_H
#define CORE_DEBUGKEY_H

/* Do what the key stands for; an unknown one lists those there are. */
void debugkey_handle(char key);

#endif
