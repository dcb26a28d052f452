/**
 * Preloaded into `wrangler dev`: when the script that started it is gone, however it went, ends
 * the whole process group, so that no workerd is left holding the port and the state.
 */
process.channel?.unref();
process.once('disconnect', () => process.kill(0, 'SIGTERM'));
