/**
 * What the invented purchase orders of the demo are made of. Nobody and nothing here exists. Every text is XML text:
 * what XML escapes is written escaped.
 */

export interface Company {
  readonly name: string;
  readonly street: string;
  readonly city: string;
  readonly postcode: string;
  readonly country: string;
  readonly vat: string;
}

export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  /** UN/ECE Recommendation 20 code of the unit it is sold in. */
  readonly unit: string;
  /** Price of one unit in cents. */
  readonly cents: number;
}

export const companies: readonly Company[] = [
  company('Nordlicht Maschinenbau GmbH', 'Lindenhof 12', 'Flensburg', '24937', 'DE', 'DE100000011'),
  company('Ateliers Rochevive &amp; Fils', '8, rue des Tisserands', 'Besançon', '25000', 'FR', 'FR00100000022'),
  company('Çınar Tekstil A.Ş.', 'İpek Sokağı 41', 'Bursa', '16040', 'TR', 'TR1000000033'),
  company('Ostrów Narzędzia Sp. z o.o.', 'ul. Młyńska 7', 'Łódź', '90-001', 'PL', 'PL1000000044'),
  company('Fjellvann Pumper AS', 'Elveveien 3', 'Ålesund', '6002', 'NO', 'NO100000055MVA'),
  company('Talleres Peñaflor S.L.', 'Calle del Yunque 19', 'Logroño', '26001', 'ES', 'ESB10000066'),
  company('山波精機株式会社', '港町三丁目 4-5', '浜松市', '430-0901', 'JP', 'JP1000000000077'),
  company('Brightwater Instruments Ltd', '27 Cooper&apos;s Yard', 'Sheffield', 'S1 2GH', 'GB', 'GB100000088'),
  company('Kőbánya Öntöde Kft.', 'Vasmű utca 5', 'Győr', '9021', 'HU', 'HU10000099'),
  company('Officine Valdarco S.r.l.', 'Via dei Fabbri 60', 'Forlì', '47121', 'IT', 'IT10000000110'),
];

export const products: readonly Product[] = [
  product(
    'BRG-6204',
    'Deep groove ball bearing 6204-2RS',
    'Sealed both sides, 20 × 47 × 14 mm, C3 clearance',
    'C62',
    412,
  ),
  product('BLT-M10-60', 'Hexagon bolt M10 × 60, 8.8', 'Zinc plated, part thread, box of 100 pieces', 'BX', 1890),
  product(
    'PMP-CR3',
    'Vertical multistage pump CR-3',
    'Stainless steel, 0.75 kW, 3 × 400 V, flanges DN 25',
    'C62',
    84900,
  ),
  product(
    'CBL-4G25',
    'Control cable 4G2.5',
    'Numbered cores, grey sheath, oil resistant &amp; flame retardant',
    'MTR',
    236,
  ),
  product(
    'SNS-PT100',
    'Resistance thermometer Pt100 class A',
    'Four-wire, probe 6 × 100 mm, −50 … +400 °C',
    'C62',
    3745,
  ),
  product('OIL-HLP46', 'Hydraulic oil HLP 46', 'Drum of 205 litres; safety data sheet on delivery', 'DR', 61200),
  product('GLV-NIT-9', 'Nitrile gloves, size 9', 'Powder free, 0.12 mm, dispenser box of 100', 'BX', 895),
  product(
    'VLV-BALL-1',
    'Ball valve 1&quot;, brass',
    'Full bore, PN 25, lever handle, for water &amp; oil &lt; 90 °C',
    'C62',
    1425,
  ),
  product('PLC-IO16', 'Remote I/O block, 16 inputs', '24 V DC, M12 connectors, protection class IP67', 'C62', 21850),
  product('BLT-V-A42', 'V-belt A 42', 'Wrapped construction, effective length 1,100 mm', 'C62', 658),
  product('SLC-310-W', 'Silicone sealant 310 ml, white', 'Neutral cure, mould resistant, −40 … +150 °C', 'C62', 529),
  product(
    'LBL-100X150',
    'Thermal labels 100 × 150 mm',
    'Roll of 500, core 76 mm, for direct thermal printers',
    'RO',
    1175,
  ),
  product(
    'FLT-HE-20',
    'Hydraulic filter element 20 µm',
    'Glass fibre, β20 ≥ 200, collapse pressure 20 bar',
    'C62',
    4390,
  ),
  product(
    'MTR-IE4-15',
    'Three-phase motor 1.5 kW, IE4',
    'Frame 90L, B3 foot mounted, thermistor built in',
    'C62',
    38700,
  ),
  product('WLD-ER70', 'Welding wire ER70S-6, 1.0 mm', 'Copper coated, spool of 15 kg', 'KGM', 318),
  product('PAL-EUR', 'Pallet 1200 × 800 mm', 'Heat treated (ISPM 15), four-way entry', 'C62', 1650),
];

export const notes: readonly string[] = [
  'Please confirm within two working days and name the order number on every paper.',
  'Deliveries on weekdays between 07:00 and 15:30 only; report at gate 2.',
  'Partial deliveries are welcome. Back orders stay open until cancelled in writing.',
  'Inspection certificate 3.1 according to EN 10204 to be sent with the goods.',
  'Replaces the line of our order of last month that could not be delivered.',
  'Colour as in the sample of 3 March; small deviations are accepted.',
  'Batch number and date of manufacture must be legible on each package.',
  'Urgent: the line stands still without it. Call before dispatch, please.',
];

export const contacts: readonly string[] = [
  'Annika Sørvang',
  'Jürgen Haßfeld',
  'María Peñalba',
  'Zoé Lagarrigue',
  'Władysława Żurek',
  'Okonkwo Adaeze',
  '佐々波 遥',
  'Orhan Gökçe',
];

function company(name: string, street: string, city: string, postcode: string, country: string, vat: string): Company {
  return { name, street, city, postcode, country, vat };
}

function product(sku: string, name: string, description: string, unit: string, cents: number): Product {
  return { sku, name, description, unit, cents };
}
