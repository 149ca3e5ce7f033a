/** A job for an executor. The id is its identity: submitted twice, it runs once. */
export interface Job {
  /** `<run>-<what>-<attempt>`; never used again. */
  id: string
  /** Folder of the job: its file, its log, its output. Absolute. */
  folder: string
  /** Program and arguments; no shell. */
  command: string[]
  cwd: string
  /** The whole environment. */
  env: Record<string, string>
  limits: JobLimits
}

export interface JobLimits {
  /** Wall time from the start, ms. */
  timeoutMs: number
  /** Resident memory of all of its processes, bytes. */
  memoryBytes: number
  /** Of the output folder, and of any single file, bytes. */
  outputBytes: number
  /** Of standard output and error together, bytes. */
  printedBytes: number
}

/** How a job ended. `reason` is what ended it: itself, or which limit. */
export interface Exit {
  reason: 'exit' | 'not started' | 'deadline' | 'memory' | 'output' | 'flood' | 'cancelled' | 'lost'
  code: number | null
  signal: string | null
  /** What the job said of its failure, or what started it said. */
  error: { code: string; message: string } | null
  /** Processes that outlived their parent and were ended. */
  leftBehind: number
  startedAt: number
  endedAt: number
}

export type JobStatus =
  { is: 'unknown' } | { is: 'running'; startedAt: number; progress: JobProgress | null } | { is: 'ended'; exit: Exit }

export interface JobProgress {
  share: number
  metrics: Record<string, number>
}

/** Where jobs run. Every method may be called again after a restart: the answers lie with the engine, not in this process. */
export interface Executor {
  /** Starts a job unless it was started before. */
  submit(job: Job): Promise<void>
  status(job: Pick<Job, 'id' | 'folder'>): Promise<JobStatus>
  /** Asks a job to end; it has ended when `status` says so. */
  cancel(job: Pick<Job, 'id' | 'folder'>): Promise<void>
  /** What it printed, its middle left out when that was too much. */
  logs(job: Pick<Job, 'id' | 'folder'>): Promise<string>
}
