// The page as files for whoever serves it. An installed package brings it built; a checkout builds it when it is first asked for and
// keeps it as long as nothing that goes into it changes.
export { openPage, type ExplorerConfig, type ExplorerPage, type PageFile } from './page.ts'
export { serveFile, type FileServer } from './file-server.ts'
export { writeEventFile, type EventFileOptions } from './event-file.ts'
