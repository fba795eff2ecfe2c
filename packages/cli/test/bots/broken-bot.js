/** A bot that dies at once. */
process.stderr.write('the config of the bot is missing a colon\n');
process.exit(7);
