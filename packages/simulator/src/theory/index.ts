/**
 * Theory: what epidemics, averages and samples are known to do, in closed form, against what they do here. Checks take a seed and
 * give measured and predicted figures with a tolerance; nothing in here touches a member.
 */
export { createRandom, type Random } from '../random.ts'
