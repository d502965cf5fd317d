-- ARGV: a random word, for a memory that has none yet. Answer: the one it has.
call('SET', base .. 'epoch', ARGV[1], 'NX')
return call('GET', base .. 'epoch')
