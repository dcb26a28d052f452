/**
 * Preloaded into `wrangler dev`. Ends the whole process group when the script that started it is gone, for
 * whatever reason, so that no workerd stays behind with the port and the state.
 */
process.channel?.unref();
process.once('disconnect', () => process.kill(0, 'SIGTERM'));
