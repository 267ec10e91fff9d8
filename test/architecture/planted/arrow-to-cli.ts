// stands at: packages/node/process/planted.ts
import { program } from 'hearsay' // breaks: arrow undeclared
import { openJournal } from '../disk/index.ts'

export const planted = [program, openJournal, import('hearsay/process')] // breaks: arrow undeclared
