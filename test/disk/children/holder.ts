// Holds the lock of a directory until its input ends (then it releases) or it is killed.
import { DirectoryLocked, lockDirectory } from '@hearsay/node/disk'

try {
  const lock = lockDirectory(process.argv[2]!)
  console.log('held')
  process.stdin.resume().on('end', () => {
    lock.release()
    console.log('released')
    process.exit(0)
  })
} catch (error) {
  if (!(error instanceof DirectoryLocked)) throw error
  console.log(`${error.code} ${error.holderPid}`)
}
