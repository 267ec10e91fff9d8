// stands at: packages/consensus/src/planted.ts
export class Refused extends RangeError {}
class Base {}
export class Planted extends Base {} // breaks: inheritance
export const planted = class extends Map {} // breaks: inheritance
